"""Staff: one user per person, a membership per practice with a role."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str, name: str) -> User:
        """Create a user; the password is hashed with argon2 and must already be validated."""
        user = User(email=self.normalize_email(email).lower(), name=name)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in one practice. Not behind row security: sign-in must find it before a practice is chosen."""

    class Role(models.TextChoices):
        FRONT_DESK = "FRONT_DESK", "Front desk"
        BILLER = "BILLER", "Biller"
        MANAGER = "MANAGER", "Manager"
        ADMIN = "ADMIN", "Admin"
        AUDITOR = "AUDITOR", "Auditor (read-only)"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    practice = models.ForeignKey("practices.Practice", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "practice"], name="one_membership_per_practice")]


class SignInAttempt(models.Model):
    """A wrong password, for the lockout: counted per e-mail and address, so nobody can lock out somebody else."""

    email = models.EmailField()
    ip = models.GenericIPAddressField()
    # Real time, not business time (decisions 16).
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["email", "ip", "at"], name="sign_in_attempts_recent")]

"""All settings, read from the environment. A missing secret stops the start; nothing here knows the sandbox."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import environ

from kasperpay import logs

env = environ.Env()
ROOT = Path(__file__).resolve().parent.parent

SECRET_KEY = env.str("SECRET_KEY")
# Fernet keys of encrypted fields, newest first; older ones only decrypt (rotation).
FIELD_KEYS: list[str] = env.list("FIELD_KEYS")
DEBUG = env.bool("DEBUG", default=False)
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
SECURE = BASE_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_structlog",
    "csp",
    "kasperpay.checks.KasperPayConfig",
    "practices",
    "patients",
    "notifications",
    "payplans",
    "processors",
    "cards",
    "payments",
    "paylinks",
    "terminals",
    "opendental",
    "leakage",
]

MIDDLEWARE = [
    # First: whoever asks for health knows no host name, and must get an answer while the database hangs.
    "kasperpay.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kasperpay.logs.Requests",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "practices.middleware.PracticeMiddleware",
]

ROOT_URLCONF = "kasperpay.urls"
WSGI_APPLICATION = "kasperpay.wsgi.application"
AUTH_USER_MODEL = "practices.User"
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "practices.context.frame",
            ],
            "builtins": ["practices.templatetags.show"],
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"]),
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    # ATOMIC_REQUESTS stays off: no transaction may be open while the outside is asked (docs/money.md).
    config: dict[str, Any] = {**env.db_url_config(url), "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 600}
    config["CONN_HEALTH_CHECKS"] = True
    if env.bool("PREPARE_STATEMENTS", default=False):
        # For charge workers: planning one of their short questions costs more than answering it. Not for pages: a plan
        # kept for all values may suit some of them badly, and theirs are the large questions.
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "server_side_binding": True, "prepare_threshold": 5}
    return config


DATABASES = {
    # The application role: owns nothing, is held by row-level security.
    "default": _database(env.str("DATABASE_URL")),
    # The owner, for `migrate --database owner` only.
    "owner": _database(env.str("DATABASE_OWNER_URL", default=env.str("DATABASE_URL"))),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CACHES = {"default": {"BACKEND": "core.soft_cache.SoftRedisCache", "LOCATION": REDIS_URL}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 15 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Hosted card pages are reached by a redirect after a form post, so their origins must be allowed in form-action.
CARD_PAGE_ORIGINS: list[str] = env.list("CARD_PAGE_ORIGINS", default=["https://checkout.stripe.com"])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'", *CARD_PAGE_ORIGINS, *env.list("CLOCK_CONTROL_URL", default=[])],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = dict.fromkeys(("camera", "geolocation", "microphone", "payment", "usb"), [])

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(ROOT / "staticfiles")))
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env.str("STATICFILES_STORAGE", default="whitenoise.storage.CompressedManifestStaticFilesStorage")
    },
}

vars().update(env.email_url_config(env.str("EMAIL_URL", default="consolemail://")))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="KasperPay <payments@example.com>")

# The movable clock of demos and tests (core/clock.py). kasperpay/checks.py refuses it next to a live key.
CLOCK_FILE = env.str("CLOCK_FILE", default="")
CLOCK_CONTROL_URL = env.str("CLOCK_CONTROL_URL", default="")

# One number stretches or shrinks the whole timetable of kasperpay/celery.py.
BEAT_SCALE = env.float("BEAT_SCALE", default=1.0)

# Who may read /metrics: "Authorization: Bearer …". Without a token only this machine may, and nothing behind a proxy.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

logs.configure()
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
# Thousands of practices are visited every few seconds: their lines are for debugging. What happens to money is INFO.
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "kasperpay.logs.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "twilio": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        # They would repeat arguments and results of tasks and the words of exceptions; ours say the same by ids.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "CRITICAL"},
    },
}

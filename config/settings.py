"""What does this installation look like? Everything comes from the environment.

Two kinds of installation exist. On a *laptop* (the default) secrets have harmless defaults and only
loopback hosts are served. In *production* (`ENVIRONMENT=production`) nothing has a default that
would be unsafe, and the process refuses to start until each is set.
"""

import logging
from base64 import b64decode, urlsafe_b64decode
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config import catalogues, queues
from config.logs import configure_structlog, logging_settings
from config.servers import celery_broker_url, with_socket_host

# Lets class definitions name their model: ModelAdmin[Account], ModelForm[User].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def secret(name: str, default: str = "") -> str:
    """Read a secret from NAME, or from the file that NAME_FILE points at."""
    path = env.str(f"{name}_FILE", default="")
    return Path(path).read_text().strip() if path else env.str(name, default=default)


# --- Which kind of installation ------------------------------------------------------------------

LAPTOP_SECRET_KEY = "laptop-only-secret-key-that-production-refuses-to-start-with"  # noqa: S105
LAPTOP_FIELD_KEY = "bGFwdG9wLW9ubHkta2V5LW5ldmVyLWluLXByb2R1Y3Q="
LAPTOP_PUSH_KEY = "bGFwdG9wLW9ubHkta2V5LW5ldmVyLWluLXByb2R1Y3Q"
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver", "live", "web"}

ENVIRONMENT = env.str("ENVIRONMENT", default="laptop")
IS_PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)

SECRET_KEY = secret("SECRET_KEY", LAPTOP_SECRET_KEY)
SECRET_FIELD_KEYS = [key for key in secret("SECRET_FIELD_KEYS", LAPTOP_FIELD_KEY).split(",") if key]
# Keys that SECRET_FIELD_KEYS held once: links to opt out that were made with them stay good.
OPT_OUT_LINK_OLD_KEYS = [key for key in secret("OPT_OUT_LINK_OLD_KEYS").split(",") if key]
# Signs what browsers are woken with, as `new_push_key` makes it; without one nobody is woken.
VAPID_PRIVATE_KEY = secret("VAPID_PRIVATE_KEY", "" if IS_PRODUCTION else LAPTOP_PUSH_KEY)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Team Inbox <inbox@localhost>")
# Whom push services write to when something is wrong with what we send.
PUSH_CONTACT = env.str("PUSH_CONTACT", default=f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="http://localhost:8000").rstrip("/")
TWILIO_API_BASE = env.str("TWILIO_API_BASE", default="")
# The platform's own Twilio account: subaccounts of cloud accounts are opened under it.
TWILIO_PLATFORM_SID = env.str("TWILIO_PLATFORM_SID", default="")
TWILIO_PLATFORM_TOKEN = secret("TWILIO_PLATFORM_TOKEN")
# Who may make packs of country rules: public keys, as `sign_jurisdiction_pack --new-key` says them.
JURISDICTION_PACK_KEYS = env.list("JURISDICTION_PACK_KEYS", default=[])
# After how many seconds a process notices that another pack is in force.
JURISDICTION_PACK_SECONDS = env.int("JURISDICTION_PACK_SECONDS", default=5)

if ENVIRONMENT not in {"laptop", "production"}:
    raise ImproperlyConfigured(f"ENVIRONMENT is '{ENVIRONMENT}': say 'laptop' or 'production'.")


def is_fernet_key(text: str) -> bool:
    """Say whether secrets can be encrypted with this: 32 bytes in URL-safe base64."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def is_pack_key(text: str) -> bool:
    """Say whether this is a public key that packs of country rules may be signed with."""
    try:
        return len(b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def is_push_key(text: str) -> bool:
    """Say whether this can sign push messages: 32 bytes in URL-safe base64, without padding."""
    try:
        return len(urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32
    except ValueError:
        return False


def refusals() -> list[str]:
    """Say, in words a person can act on, why this installation must not start."""
    if not IS_PRODUCTION:
        outside = [host for host in ALLOWED_HOSTS if host not in LOOPBACK_HOSTS]
        return [f"ALLOWED_HOSTS serves {outside}: set ENVIRONMENT=production."] if outside else []
    checks = {
        "SECRET_KEY is the laptop's or shorter than 50 characters: set a random one.": (
            SECRET_KEY == LAPTOP_SECRET_KEY or len(SECRET_KEY) < 50
        ),
        "SECRET_FIELD_KEYS is the laptop's or empty: set a Fernet key.": (
            LAPTOP_FIELD_KEY in SECRET_FIELD_KEYS or not SECRET_FIELD_KEYS
        ),
        "SECRET_FIELD_KEYS holds what is no Fernet key: make one with Fernet.generate_key().": (
            not all(map(is_fernet_key, SECRET_FIELD_KEYS))
        ),
        "JURISDICTION_PACK_KEYS holds what is no public key: sign_jurisdiction_pack makes one.": (
            not all(map(is_pack_key, JURISDICTION_PACK_KEYS))
        ),
        "VAPID_PRIVATE_KEY is the laptop's or no key: make one with new_push_key.": (
            VAPID_PRIVATE_KEY != ""
            and (VAPID_PRIVATE_KEY == LAPTOP_PUSH_KEY or not is_push_key(VAPID_PRIVATE_KEY))
        ),
        "PUSH_CONTACT must be a mailto: or https: address.": not PUSH_CONTACT.startswith(
            ("mailto:", "https://")
        ),
        "DEBUG is on: switch it off.": DEBUG,
        "DEMO is on: the demo is for laptops.": DEMO,
        "TWILIO_API_BASE points at a simulator: leave it empty.": bool(TWILIO_API_BASE),
        "PUBLIC_BASE_URL must be an https address.": not PUBLIC_BASE_URL.startswith("https://"),
        "ALLOWED_HOSTS must name your hosts.": not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS,
        "DATABASE_URL is not set.": not env.str("DATABASE_URL", default=""),
        "REDIS_URL is not set.": not env.str("REDIS_URL", default=""),
    }
    return [words for words, is_wrong in checks.items() if is_wrong]


if problems := refusals():
    raise ImproperlyConfigured("This installation will not start. " + " ".join(problems))

if TWILIO_API_BASE and urlsplit(TWILIO_API_BASE).hostname not in {"127.0.0.1", "localhost", "::1"}:
    raise ImproperlyConfigured("TWILIO_API_BASE may only point at a simulator on this machine.")

# --- Applications --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "channels",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "pgtrigger",
    "rest_framework",
    "template_partials",
    # Ours come last: our admin replaces what others registered.
    "accounts.apps.AccountsConfig",
    "compliance.apps.ComplianceConfig",
    "routing.apps.RoutingConfig",
    "inbox.apps.InboxConfig",
]
if find_spec("django_migration_linter"):
    # A tool of the workshop; production does not install it.
    INSTALLED_APPS.append("django_migration_linter")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.csp.KeptPolicy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.legible.refuse_nul",
    "accounts.circumstances.remember_request",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.languages.speak_their_language",
    "accounts.middleware.refuse_parts_of_pages",
    "accounts.middleware.end_idle_sessions",
    "accounts.middleware.ask_for_second_factor",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.support_views.SupportMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.unreadable.SayThatASecretIsUnreadable",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["accounts.templatetags.retelling"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- PostgreSQL: the only truth ------------------------------------------------------------------

_database = with_socket_host(env.db("DATABASE_URL", default="postgres:///teaminbox"))
DATABASES: dict[str, Any] = {
    "default": {
        **_database,
        # Tries a connection of the pool before it is used: PostgreSQL may have restarted.
        "ENGINE": "config.database",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "connect_timeout": 5,
            # A query that is prepared (accounts.prepared) is planned once, for any values. On what
            # is in memory or on a solid-state disk a page out of order costs little more than the
            # next one; PostgreSQL thinks of a turning disk, and reads whole tables instead.
            "options": (
                "-c lock_timeout=10s -c statement_timeout=30s "
                "-c plan_cache_mode=force_generic_plan -c random_page_cost=1.1"
            ),
            "pool": {
                "min_size": 1,
                "max_size": env.int("DATABASE_POOL_MAX", default=12),
                "timeout": 10,
            },
        },
    }
}
if not env.bool("DATABASE_POOL", default=True):
    del DATABASES["default"]["OPTIONS"]["pool"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis or Valkey: hints, presence, broker, cache; may be emptied at any time -----------------

REDIS_URL = env.str("REDIS_URL", default="redis://localhost:6379/0")
CHANNEL_PREFIX = env.str("CHANNEL_PREFIX", default="teaminbox")
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": CHANNEL_PREFIX,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    },
    # Where attempts to log in are counted while Redis is away.
    "guards": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_attempts",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": CHANNEL_PREFIX},
    }
}

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
# Else Celery closes the whole pool around every task; config.celery gives connections back instead.
CELERY_DB_REUSE_MAX = 2**62
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = queues.ROUTES
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "global_keyprefix": f"{CHANNEL_PREFIX}.",
}

# --- People and sessions -------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_ADAPTER = "accounts.adapter.InvitedOnlyAdapter"
ACCOUNT_FORMS = {"user_token": "accounts.forms.LinkOfActivePerson"}
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_MAX_EMAIL_ADDRESSES = 1
# By address of the browser and by what is asked for; a company behind one address fits in.
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/h/key",
    # Of a page without a log-in. Guesses are counted by who guesses, true links each by itself:
    # thousands of telephones share an address, and none may be kept from opting out.
    "opt_out_guess": "30/m/ip",
    "opt_out_link": "60/m/key",
    # Tests that somebody sends to their own browsers.
    "push_test": "10/m/user",
}
# The proxies in front of web: each appends one address to X-Forwarded-For.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=1 if IS_PRODUCTION else 0)

# A company behind one address fits in here as well.
MFA_RATE_LIMITS = {"webauthn_login": "120/m/ip"}
MFA_ADAPTER = "accounts.second_factors.SecondFactors"
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.ConfirmForm",
    "login_webauthn": "accounts.forms.LogInByPasskey",
    "authenticate_webauthn": "accounts.forms.PasskeyAfterPassword",
    "reauthenticate_webauthn": "accounts.forms.ConfirmByPasskey",
    "add_webauthn": "accounts.forms.AddPasskey",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Whoever is here was invited to their address; nobody signs up with somebody else's.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
# Browsers allow passkeys without https on this machine only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_PRODUCTION
# Which roles must have a second factor before anything opens: account_admin, auditor, member,
# partner, staff.
SECOND_FACTOR_ROLES = env.list(
    "SECOND_FACTOR_ROLES",
    default=["account_admin", "partner", "staff"] if IS_PRODUCTION else [],
)

SOCIALACCOUNT_ADAPTER = "accounts.adapter.CompanySignIn"
# The page before it asked; a form that ends elsewhere is against the content policy.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5
# May a company's issuer be reached without https, and inside our own network? On a laptop.
SIGN_ON_ALLOW_LOCAL = not IS_PRODUCTION
# Which issuers may lie in our own network, by the names of their hosts; with https like the others.
SIGN_ON_INTERNAL_HOSTS = [name.lower() for name in env.list("SIGN_ON_INTERNAL_HOSTS", default=[])]

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 60 * 60 * 12
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_BASE_URL.startswith("https://")
# After how long without a person's doing a session ends; an account may choose its own.
IDLE_TIMEOUT_MINUTES = env.int("IDLE_TIMEOUT_MINUTES", default=240)
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
CSRF_FAILURE_VIEW = "inbox.views.errors.csrf_failure"
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
# smtp://user:password@host:587 or smtp+tls://…; EMAIL_URL_FILE for the file it lies in.
if mail := secret("EMAIL_URL"):
    vars().update(env.email_url_config(mail))
EMAIL_TIMEOUT = 10
# May a browser be woken through a service on this machine, and without https? On a laptop.
PUSH_ALLOW_LOCAL = not IS_PRODUCTION
INVITATION_DAYS = 7

# --- The browser's rules -------------------------------------------------------------------------

SELF, NONE = "'self'", "'none'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "display-capture": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_REDIRECT_EXEMPT = [r"^hooks/", r"^livez$", r"^readyz$"]

# --- Files ---------------------------------------------------------------------------------------

STATIC_URL = "static/"
# On a laptop files are served from where they lie; production collects them.
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / ".static") if IS_PRODUCTION else None)
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / ".media"))
WHITENOISE_USE_FINDERS = not IS_PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static.HashedModulesStorage"
        if IS_PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# --- Words, time, API ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
# Complete languages only, by their own names: a browser that prefers another gets English, not a
# mix. docs/developers.md says how to add one.
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
catalogues.compile_stale()
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.IsSomebody"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.KeyThrottle"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.Json"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.Schema",
    "EXCEPTION_HANDLER": "accounts.api_errors.say_what_is_wrong",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Team Inbox API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["accounts.api.IsSomebody"],
}

# How often a program may ask with one key.
API_KEY_RATE = env.str("API_KEY_RATE", default="120/min")

# --- Team Inbox ----------------------------------------------------------------------------------

BUILD = env.str("BUILD", default="dev")
INLINE_PROCESSING_LIMIT = env.int("INLINE_PROCESSING_LIMIT", default=4)
TWILIO_TIMEOUT_SECONDS = env.float("TWILIO_TIMEOUT_SECONDS", default=10.0)
MEDIA_MAX_BYTES = env.int("MEDIA_MAX_BYTES", default=25 * 1024 * 1024)
MEDIA_TIMEOUT_SECONDS = env.float("MEDIA_TIMEOUT_SECONDS", default=20.0)
# Data Actions and CRMs in our own network, by the names of their hosts; these need no https either.
LOOKUP_INTERNAL_HOSTS = [name.lower() for name in env.list("LOOKUP_INTERNAL_HOSTS", default=[])]
# More certificates that those may be signed with: a file in PEM form.
LOOKUP_CA_FILE = env.str("LOOKUP_CA_FILE", default="")
OUTBOUND_MEDIA_MAX_AGE_SECONDS = env.int("OUTBOUND_MEDIA_MAX_AGE_SECONDS", default=24 * 3600)

# Error reports go out by mail: they say what kind of thing was where, and no content.
DEFAULT_EXCEPTION_REPORTER = "config.reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.NoContent"
ADMINS = [("Operators", address) for address in env.list("ERROR_MAIL_TO", default=[])]
SERVER_EMAIL = DEFAULT_FROM_EMAIL

LOGGING = logging_settings(
    level=env.str("LOG_LEVEL", default="INFO"),
    is_json=env.bool("LOG_JSON", default=IS_PRODUCTION),
)
configure_structlog()
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
# Started, enqueued and succeeded are for whoever looks for something; the rest is for everybody.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_DEFAULT_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_FAILURE_LOG_LEVEL = logging.ERROR
# Columns went before the first release: no process of an earlier one reads them.
MIGRATION_LINTER_OPTIONS = {
    "no_cache": True,
    "ignore_name_contains": "no_first_reply_columns",
    "ignore_name": ("0006_consent_only_by_handle",),
}

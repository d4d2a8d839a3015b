"""How does Twilio write this resource as JSON?"""

from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import format_datetime

from inbox.twilio.simulator.addresses import channel_of, country_of
from inbox.twilio.simulator.content import Template
from inbox.twilio.simulator.errors import text_of
from inbox.twilio.simulator.model import Account, Media, Message, Sender, Service
from inbox.twilio.simulator.shelf import SenderState
from inbox.twilio.simulator.sids import derived

API = "/2010-04-01/Accounts"
MESSAGING = "https://messaging.twilio.com"
CONTENT = "https://content.twilio.com"
ACCOUNT_LINKS = {
    "available_phone_numbers": "AvailablePhoneNumbers",
    "incoming_phone_numbers": "IncomingPhoneNumbers",
    "messages": "Messages",
    "balance": "Balance",
    "keys": "Keys",
    "usage": "Usage",
}
SERVICE_LINKS = {
    "phone_numbers": "PhoneNumbers",
    "short_codes": "ShortCodes",
    "alpha_senders": "AlphaSenders",
    "channel_senders": "ChannelSenders",
    "us_app_to_person": "Compliance/Usa2p",
}
UNUSED_BY_NUMBERS = (
    "address_sid",
    "bundle_sid",
    "emergency_address_sid",
    "identity_sid",
    "trunk_sid",
    "voice_application_sid",
    "voice_fallback_url",
    "voice_url",
)
UNUSED_BY_BRANDS = (
    "a2p_profile_bundle_sid",
    "brand_feedback",
    "brand_score",
    "customer_profile_bundle_sid",
    "government_entity",
    "identity_status",
    "russell_3000",
    "tax_exempt_status",
    "tcr_id",
)
UNUSED_BY_CAMPAIGNS = (
    "help_keywords",
    "help_message",
    "message_flow",
    "opt_in_keywords",
    "opt_in_message",
    "opt_out_keywords",
    "opt_out_message",
    "privacy_policy_url",
    "rate_limits",
    "terms_and_conditions_url",
)
UNUSED_BY_VERIFICATIONS = (
    "additional_information",
    "age_gated_content",
    "business_city",
    "business_contact_email",
    "business_contact_first_name",
    "business_contact_last_name",
    "business_contact_phone",
    "business_country",
    "business_postal_code",
    "business_registration_authority",
    "business_registration_country",
    "business_registration_number",
    "business_registration_phone_number",
    "business_state_province_region",
    "business_street_address",
    "business_street_address2",
    "business_type",
    "business_website",
    "customer_profile_sid",
    "doing_business_as",
    "edit_expiration",
    "external_reference_id",
    "help_message_sample",
    "message_volume",
    "notification_email",
    "opt_in_confirmation_message",
    "opt_in_image_urls",
    "opt_in_keywords",
    "opt_in_type",
    "privacy_policy_url",
    "production_message_sample",
    "regulated_item_sid",
    "terms_and_conditions_url",
    "trust_product_sid",
    "use_case_categories",
    "use_case_summary",
    "vetting_id",
    "vetting_id_expiration",
    "vetting_provider",
)
UNUSED_IN_PROFILES = (
    "accent_color",
    "address",
    "banner_url",
    "description",
    "emails",
    "logo_url",
    "phone_numbers",
    "privacy_url",
    "terms_of_service_url",
    "vertical",
    "websites",
)
SPOKEN = {"voice": "Voice", "sms": "SMS", "mms": "MMS"}
PRICES = {"sms": "-0.00790", "mms": "-0.02000", "whatsapp": "-0.00500"}


def rfc2822(timestamp: float | None) -> str | None:
    """Write a time as api.twilio.com does."""
    if timestamp is None:
        return None
    return format_datetime(datetime.fromtimestamp(int(timestamp), UTC))


def iso8601(timestamp: float) -> str:
    """Write a time as the newer hosts do."""
    return datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message_json(message: Message) -> dict[str, object]:
    """Render a message; numbers of segments and media are strings."""
    uri = f"{API}/{message.account_sid}/Messages/{message.sid}"
    is_billed = message.sent_at is not None
    kind = "mms" if message.media_sids and message.channel == "sms" else message.channel
    return {
        "account_sid": message.account_sid,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": rfc2822(message.created_at),
        "date_sent": rfc2822(message.sent_at),
        "date_updated": rfc2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": text_of(message.error_code) if message.error_code else None,
        "from": message.from_address or None,
        "messaging_service_sid": message.service_sid or None,
        "num_media": str(len(message.media_sids) or len(message.media_urls)),
        "num_segments": str(message.segments),
        "price": PRICES[kind] if is_billed else None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to_address,
        "uri": f"{uri}.json",
    }


def media_json(media: Media) -> dict[str, object]:
    """Render a file of a message."""
    path = f"{API}/{media.account_sid}/Messages/{media.message_sid}/Media/{media.sid}"
    return {
        "account_sid": media.account_sid,
        "content_type": media.content_type,
        "date_created": rfc2822(media.created_at),
        "date_updated": rfc2822(media.created_at),
        "parent_sid": media.message_sid,
        "sid": media.sid,
        "uri": f"{path}.json",
    }


def account_json(account: Account) -> dict[str, object]:
    """Render an account with its token, as Twilio does for whoever may see it."""
    uri = f"{API}/{account.sid}"
    return {
        "auth_token": account.auth_token,
        "date_created": rfc2822(account.created_at),
        "date_updated": rfc2822(account.updated_at),
        "friendly_name": account.friendly_name,
        "owner_account_sid": account.parent_sid or account.sid,
        "sid": account.sid,
        "status": account.status,
        "subresource_uris": {name: f"{uri}/{path}.json" for name, path in ACCOUNT_LINKS.items()},
        "type": "Full",
        "uri": f"{uri}.json",
    }


def number_json(sender: Sender) -> dict[str, object]:
    """Render a phone number of an account."""
    return {
        **dict.fromkeys(UNUSED_BY_NUMBERS),
        "account_sid": sender.account_sid,
        "address_requirements": "none",
        "api_version": "2010-04-01",
        "beta": False,
        "capabilities": capabilities_json(sender.capabilities),
        "date_created": rfc2822(sender.created_at),
        "date_updated": rfc2822(sender.updated_at),
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "friendly_name": sender.friendly_name or sender.address,
        "origin": "twilio",
        "phone_number": sender.address,
        "sid": sender.sid,
        "sms_application_sid": sender.application_sid or None,
        "sms_fallback_method": sender.fallback_method,
        "sms_fallback_url": sender.fallback_url,
        "sms_method": sender.webhook_method,
        "sms_url": sender.webhook_url,
        "status": "in-use",
        "status_callback": sender.status_url,
        "status_callback_method": sender.status_method,
        "uri": f"{API}/{sender.account_sid}/IncomingPhoneNumbers/{sender.sid}.json",
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_method": "POST",
        "voice_receive_mode": "voice",
    }


def capabilities_json(able: Collection[str]) -> dict[str, object]:
    """Render what a number can do."""
    return {kind: kind in able for kind in ("voice", "sms", "mms", "fax")}


def short_code_json(sender: Sender) -> dict[str, object]:
    """Render a short code of an account."""
    return {
        "account_sid": sender.account_sid,
        "api_version": "2010-04-01",
        "date_created": rfc2822(sender.created_at),
        "date_updated": rfc2822(sender.updated_at),
        "friendly_name": sender.friendly_name or sender.address,
        "short_code": sender.address,
        "sid": sender.sid,
        "sms_fallback_method": sender.fallback_method,
        "sms_fallback_url": sender.fallback_url,
        "sms_method": sender.webhook_method,
        "sms_url": sender.webhook_url,
        "uri": f"{API}/{sender.account_sid}/SMS/ShortCodes/{sender.sid}.json",
    }


def brand_json(account: Account) -> dict[str, object]:
    """Render the A2P brand of an account."""
    sid = derived("BN", account.sid)
    is_bad = account.brand_status in ("FAILED", "SUSPENDED")
    url = f"{MESSAGING}/v1/a2p/BrandRegistrations/{sid}"
    return {
        **dict.fromkeys(UNUSED_BY_BRANDS),
        "account_sid": account.sid,
        "brand_type": "STANDARD",
        "date_created": iso8601(account.created_at),
        "date_updated": iso8601(account.updated_at),
        "errors": [{"code": 30795, "description": "Business name mismatch"}] if is_bad else [],
        "failure_reason": "Business name mismatch" if is_bad else None,
        "links": {"brand_vettings": f"{url}/Vettings", "brand_registration_otps": f"{url}/SmsOtp"},
        "mock": False,
        "sid": sid,
        "skip_automatic_sec_vet": False,
        "status": account.brand_status,
        "url": url,
    }


def campaign_json(service: Service) -> dict[str, object]:
    """Render the A2P campaign of a Messaging Service."""
    sid = derived("QE", service.sid)
    is_bad = service.campaign_status in ("FAILED", "SUSPENDED")
    return {
        **dict.fromkeys(UNUSED_BY_CAMPAIGNS),
        "account_sid": service.account_sid,
        "age_gated": False,
        "brand_registration_sid": derived("BN", service.account_sid),
        "campaign_id": "CABCDEF" if service.campaign_status == "VERIFIED" else None,
        "campaign_status": service.campaign_status,
        "date_created": iso8601(service.created_at),
        "date_updated": iso8601(service.updated_at),
        "description": "Answers to customers who write first",
        "direct_lending": False,
        "errors": [{"error_code": 30891, "fields": ["MESSAGE_FLOW"]}] if is_bad else [],
        "has_embedded_links": False,
        "has_embedded_phone": False,
        "is_externally_registered": False,
        "message_samples": ["Thanks for writing.", "Your order is ready."],
        "messaging_service_sid": service.sid,
        "mock": False,
        "sid": sid,
        "subscriber_opt_in": True,
        "url": f"{MESSAGING}/v1/Services/{service.sid}/Compliance/Usa2p/{sid}",
        "us_app_to_person_usecase": "CUSTOMER_CARE",
    }


def verification_json(sender: Sender) -> dict[str, object]:
    """Render the verification of a toll-free number."""
    sid = derived("HH", sender.sid)
    is_bad = sender.verification_status == "TWILIO_REJECTED"
    return {
        **dict.fromkeys(UNUSED_BY_VERIFICATIONS),
        "account_sid": sender.account_sid,
        "business_name": "A business",
        "date_created": iso8601(sender.created_at),
        "date_updated": iso8601(sender.updated_at),
        "edit_allowed": is_bad,
        "error_code": 30483 if is_bad else None,
        "rejection_reason": "Opt-in workflow is not clear" if is_bad else None,
        "rejection_reasons": [],
        "resource_links": {},
        "sid": sid,
        "status": sender.verification_status,
        "tollfree_phone_number": sender.address,
        "tollfree_phone_number_sid": sender.sid,
        "url": f"{MESSAGING}/v1/Tollfree/Verifications/{sid}",
    }


def service_json(service: Service) -> dict[str, object]:
    """Render a Messaging Service."""
    url = f"{MESSAGING}/v1/Services/{service.sid}"
    return {
        "account_sid": service.account_sid,
        "area_code_geomatch": True,
        "date_created": iso8601(service.created_at),
        "date_updated": iso8601(service.updated_at),
        "fallback_method": service.fallback_method,
        "fallback_to_long_code": True,
        "fallback_url": service.fallback_url,
        "friendly_name": service.friendly_name,
        "inbound_method": service.inbound_method,
        "inbound_request_url": service.inbound_request_url,
        "links": {name: f"{url}/{path}" for name, path in SERVICE_LINKS.items()},
        "mms_converter": True,
        "scan_message_content": "inherit",
        "sid": service.sid,
        "smart_encoding": service.smart_encoding,
        "status_callback": service.status_callback,
        "sticky_sender": service.sticky_sender,
        "synchronous_validation": True,
        "url": url,
        "us_app_to_person_registered": service.campaign_status == "VERIFIED",
        "use_inbound_webhook_on_number": service.use_inbound_webhook_on_number,
        "usecase": service.usecase,
        "validity_period": service.validity_period,
    }


def service_number_json(sender: Sender) -> dict[str, object]:
    """Render a phone number as a member of a service."""
    return {
        "account_sid": sender.account_sid,
        "capabilities": [SPOKEN[one] for one in sender.capabilities],
        "country_code": country_of(sender.address) or "US",
        "date_created": iso8601(sender.created_at),
        "date_updated": iso8601(sender.updated_at),
        "phone_number": sender.address,
        "service_sid": sender.service_sid,
        "sid": sender.sid,
        "url": f"{MESSAGING}/v1/Services/{sender.service_sid}/PhoneNumbers/{sender.sid}",
    }


def service_channel_json(sender: Sender) -> dict[str, object]:
    """Render a WhatsApp sender as a member of a service."""
    return {
        "account_sid": sender.account_sid,
        "country_code": country_of(sender.address) or "US",
        "date_created": iso8601(sender.created_at),
        "date_updated": iso8601(sender.updated_at),
        "messaging_service_sid": sender.service_sid,
        "sender": sender.address,
        "sender_type": channel_of(sender.address),
        "sid": sender.sid,
        "url": f"{MESSAGING}/v1/Services/{sender.service_sid}/ChannelSenders/{sender.sid}",
    }


def channel_sender_json(sender: Sender, state: SenderState) -> dict[str, object]:
    """Render a WhatsApp sender with its webhooks and what WhatsApp thinks of it."""
    reasons = [
        {"code": code, "message": message, "more_info": ""}
        for code, message in state.offline_reasons
    ]
    return {
        "sid": sender.sid,
        "sender_id": sender.address,
        "status": state.status,
        "compliance": None,
        "configuration": {
            "waba_id": "1234567890",
            "verification_method": "sms",
            "verification_code": None,
            "voice_application_sid": None,
        },
        "offline_reasons": reasons or None,
        "profile": {
            **dict.fromkeys(UNUSED_IN_PROFILES),
            "name": sender.friendly_name or sender.address,
            "about": "Available",
        },
        "properties": {
            "messaging_limit": state.messaging_limit,
            "quality_rating": state.quality_rating,
        },
        "url": f"{MESSAGING}/v2/Channels/Senders/{sender.sid}",
        "webhook": {
            "callback_url": sender.webhook_url or None,
            "callback_method": sender.webhook_method,
            "fallback_url": sender.fallback_url or None,
            "fallback_method": sender.fallback_method,
            "status_callback_url": sender.status_url or None,
            "status_callback_method": sender.status_method,
        },
    }


def template_json(template: Template, account_sid: str, created_at: float) -> dict[str, object]:
    """Render a content template."""
    sid = template.sid_for(account_sid)
    content: dict[str, object] = {"body": template.body}
    if template.buttons:
        content["actions"] = [
            {"type": "QUICK_REPLY", "title": title, "id": payload}
            for title, payload in template.buttons
        ]
    url = f"{CONTENT}/v1/Content/{sid}"
    return {
        "account_sid": account_sid,
        "date_created": iso8601(created_at),
        "date_updated": iso8601(created_at),
        "friendly_name": template.name,
        "language": template.language,
        "links": {
            "approval_create": f"{url}/ApprovalRequests/whatsapp",
            "approval_fetch": f"{url}/ApprovalRequests",
        },
        "sid": sid,
        "types": {template.content_type: content},
        "url": url,
        "variables": dict(template.variables),
    }


def approval_json(template: Template) -> dict[str, object]:
    """Render what WhatsApp thinks of a template."""
    return {
        "allow_category_change": True,
        "category": template.category,
        "content_type": template.content_type,
        "name": template.name,
        "rejection_reason": template.rejection_reason,
        "status": template.status,
        "type": "whatsapp",
    }

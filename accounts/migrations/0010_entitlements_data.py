"""Which rows of before would break the rules to come, and what is in the catalogue?"""

from django.db import migrations

TIDY = """
UPDATE accounts_featuregrant SET reason = 'Granted before reasons were kept'
WHERE reason = '' AND granted_by_id IS NOT NULL;

WITH earlier AS (
    SELECT id, max(coalesce(ends_at, 'infinity')) OVER (
        PARTITION BY account_id, feature ORDER BY starts_at, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS until FROM accounts_featuregrant
)
DELETE FROM accounts_featuregrant USING earlier
WHERE earlier.id = accounts_featuregrant.id AND earlier.until >= coalesce(ends_at, 'infinity');

WITH earlier AS (
    SELECT id, max(coalesce(ends_at, 'infinity')) OVER (
        PARTITION BY account_id, feature ORDER BY starts_at, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS until FROM accounts_featuregrant
)
UPDATE accounts_featuregrant SET starts_at = earlier.until FROM earlier
WHERE earlier.id = accounts_featuregrant.id AND earlier.until > starts_at;

-- A licence holds while its pool does: what was true is written down.
UPDATE accounts_license SET
    starts_at = greatest(accounts_license.starts_at, pool.starts_at),
    ends_at = least(accounts_license.ends_at, pool.ends_at)
FROM accounts_licensepool pool
WHERE pool.id = accounts_license.pool_id;

WITH earlier AS (
    SELECT held.id, max(coalesce(held.ends_at, 'infinity')) OVER (
        PARTITION BY held.holder_id, held.plan ORDER BY held.starts_at, held.id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS until FROM accounts_license held
    WHERE held.ends_at IS NULL OR held.ends_at > held.starts_at
)
UPDATE accounts_license SET starts_at = earlier.until FROM earlier
WHERE earlier.id = accounts_license.id AND earlier.until > starts_at
AND earlier.until < coalesce(ends_at, 'infinity');

WITH earlier AS (
    SELECT held.id, max(coalesce(held.ends_at, 'infinity')) OVER (
        PARTITION BY held.holder_id, held.plan ORDER BY held.starts_at, held.id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS until FROM accounts_license held
    WHERE held.ends_at IS NULL OR held.ends_at > held.starts_at
)
UPDATE accounts_license SET ends_at = starts_at FROM earlier
WHERE earlier.id = accounts_license.id AND earlier.until > starts_at;

UPDATE accounts_license SET ends_at = starts_at WHERE ends_at < starts_at;
"""

CATALOGUE = (
    (
        "team-inbox-setup",
        "Team Inbox set-up",
        "A first inbox that customers reach and a team answers.",
        (
            "Twilio connection works",
            "A number belongs to the inbox and its webhooks point to us",
            "Team, members and roles are agreed",
            "Licences are assigned",
            "Business hours and automatic replies are agreed",
            "A test message went in and out",
        ),
    ),
    (
        "custom-configuration",
        "Custom configuration",
        "Routing, look-ups and texts made for one company.",
        (
            "Wishes are written down",
            "Rules and texts are set up",
            "Look-ups in their systems answer",
            "Tried with the account's own examples",
            "Handed over with a short training",
        ),
    ),
    (
        "whatsapp-setup",
        "WhatsApp set-up",
        "A WhatsApp sender with approved templates.",
        (
            "Meta business account is verified",
            "Sender is registered and online",
            "Display name is approved",
            "Templates are submitted and approved",
            "A test message went in and out",
        ),
    ),
    (
        "optout-compliance",
        "Opt-out compliance",
        "Keywords, texts and quiet hours by the law of the customers' places.",
        (
            "Countries of the customers are known",
            "Keywords and confirmation texts are agreed per language",
            "Quiet hours are agreed",
            "Who answers questions about consent is named",
            "STOP, START and HELP were tried on every number",
        ),
    ),
)


def fill_catalogue(apps, schema_editor):
    Package = apps.get_model("accounts", "Package")
    PackageStep = apps.get_model("accounts", "PackageStep")
    for position, (slug, name, description, steps) in enumerate(CATALOGUE, start=1):
        package, _ = Package.objects.get_or_create(
            slug=slug, defaults={"name": name, "description": description, "position": position}
        )
        for number, words in enumerate(steps, start=1):
            PackageStep.objects.get_or_create(
                package=package, position=number, defaults={"words": words}
            )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_entitlements'),
    ]

    operations = [
        migrations.RunSQL(TIDY, migrations.RunSQL.noop),
        migrations.RunPython(fill_catalogue, migrations.RunPython.noop),
    ]

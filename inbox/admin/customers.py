"""What may the admin show of customers? That they exist, and nothing that says who they are."""

from django.contrib import admin

from accounts.admin_scope import NamelessAdmin, OwnRowsFilter
from compliance.addresses import masked
from inbox.models import Contact, ContactAddress, ContactImport, CrmAnswer, MergeLog


@admin.register(Contact)
class ContactAdmin(NamelessAdmin[Contact]):
    """Customers, without names and notes."""

    fields = ("account", "public_id", "language", "owner", "is_blocked", "created_at")
    list_display = ("public_id", "account", "language", "is_blocked", "created_at")
    list_filter = ("is_blocked", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("public_id__exact",)
    search_help_text = "A contact's id, as in addresses of pages"

    def label_of(self, obj: Contact) -> str:
        """Call a customer by their id."""
        return f"Contact {obj.public_id}"


@admin.register(ContactAddress)
class ContactAddressAdmin(NamelessAdmin[ContactAddress]):
    """Ways to reach customers, masked."""

    fields = (
        "account",
        "contact_id_shown",
        "masked_address",
        "family",
        "is_repliable",
        "is_alias",
        "out_of_reach_at",
        "created_at",
    )
    list_display = (
        "masked_address",
        "account",
        "contact_id_shown",
        "family",
        "is_repliable",
        "is_alias",
        "created_at",
    )
    list_filter = ("is_repliable", ("account", OwnRowsFilter))
    list_select_related = ("account", "contact")
    search_fields = ("contact__public_id__exact",)
    search_help_text = "A contact's id, as in addresses of pages"

    def label_of(self, obj: ContactAddress) -> str:
        """Call an address by its last two characters."""
        return f"{obj.family} {masked(obj.key)}"

    @admin.display(description="address")
    def masked_address(self, obj: ContactAddress) -> str:
        """Show the last two characters."""
        return masked(obj.key)

    @admin.display(description="contact")
    def contact_id_shown(self, obj: ContactAddress) -> str:
        """Show whose it is, without a name."""
        return obj.contact.public_id

    @admin.display(description="second name", boolean=True)
    def is_alias(self, obj: ContactAddress) -> bool:
        """Show whether it is a second name of another address."""
        return obj.alias_of_id is not None


@admin.register(CrmAnswer)
class CrmAnswerAdmin(NamelessAdmin[CrmAnswer]):
    """That a CRM said something of a customer, and when; not what."""

    fields = ("account", "connector", "answered_at")
    list_display = ("__str__", "account", "connector", "answered_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "connector")
    search_fields = ("contact__public_id__exact",)
    search_help_text = "A contact's id, as in addresses of pages"


@admin.register(MergeLog)
class MergeLogAdmin(NamelessAdmin[MergeLog]):
    """That two contacts were made one, by whom, and whether it was undone; not who they are."""

    fields = ("account", "public_id", "by", "merged_at", "undone_by", "undone_at")
    list_display = ("public_id", "account", "by", "merged_at", "undone_at")
    list_filter = (("account", OwnRowsFilter),)
    list_select_related = ("account", "by")
    search_fields = ("public_id__exact", "kept__public_id__exact")
    search_help_text = "A merge's id, or that of the contact who was kept"


@admin.register(ContactImport)
class ContactImportAdmin(NamelessAdmin[ContactImport]):
    """Files of contacts, and how far each is; the file itself is shown to nobody."""

    fields = (
        *("account", "public_id", "status", "uploaded_by", "uploaded_at", "started_at"),
        *("finished_at", "rows", "done", "created", "updated", "unchanged", "wrong"),
    )
    list_display = ("public_id", "account", "status", "uploaded_at", "rows", "done")
    list_filter = ("status", ("account", OwnRowsFilter))
    list_select_related = ("account",)
    search_fields = ("public_id__exact",)
    search_help_text = "An import's id"

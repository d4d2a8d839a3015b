"""Which sentences does the page's script need, in the reader's language?"""

from django.utils.translation import gettext as _


def client_words() -> dict[str, str]:
    """Return sentences by name; {places} are filled in by the browser."""
    return {
        **_line(),
        **_times(),
        **_list(),
        **_thread(),
        **_composer(),
        **_answers(),
        **_palette(),
        **_push(),
        **_reports(),
        **_push(),
    }


def _reports() -> dict[str, str]:
    return {
        "export_begins": _("The export begins…"),
        "export_goes_on": _("{number} of {whole} conversations"),
        "export_done": _("Done: {whole} conversations."),
        "export_stopped": _("Stopped. Nothing was saved."),
        "export_failed": _("The export did not get through. Try again, or choose fewer days."),
        "wall_lost": _("No connection. This is how it was at {time}."),
    }


def _palette() -> dict[str, str]:
    return {
        "next_row": _("Next conversation"),
        "previous_row": _("Previous conversation"),
        "palette_search": _("Search everything for “{words}”"),
        "palette_number": _("{number} to choose from"),
        "palette_nothing": _("Nothing of this name can be done here."),
        "forget_search": _("Forget “{words}”"),
        "palette_gone": _("This is no longer possible."),
    }


def _push() -> dict[str, str]:
    return {
        "push_insecure": _("Push works only over https."),
        "push_unable": _("This browser cannot be woken: it knows no push notifications."),
        "push_not_set_up": _("Push is not set up in this installation."),
        "push_denied": _("Notifications are blocked in this browser."),
        "push_is_on": _("Push is on: this browser is woken when something concerns you."),
        "push_is_off": _("Push is off in this browser."),
        "push_turned_on": _("Push is on. Send yourself a test."),
        "push_turned_off": _("Push is off in this browser now."),
        "push_failed": _("That did not work. Try again in a moment."),
        "push_no_service": _("This browser could not reach its push service. Try again later."),
        "push_testing": _("Sending …"),
        "push_not_on": _("Push: not sent, since push is off in this browser."),
        "push_arrived": _("Push: sent, and arrived here."),
        "push_not_arrived": _(
            "Push: the service took it, but nothing arrived in 10 seconds. Look whether the"
            " system’s “Do not disturb” is on, and whether the browser may run in the background."
        ),
        "desktop_unable": _("Desktop: this browser shows no notifications."),
        "desktop_not_allowed": _("Desktop: not shown, since this site may not notify you yet."),
        "desktop_shown": _(
            "Desktop: shown. If you see nothing, the system’s “Do not disturb” hides it."
        ),
        "test_title": _("This is a test"),
        "test_body": _("Notifications reach you here."),
    }


def _line() -> dict[str, str]:
    return {
        "line_connecting": _("Connecting"),
        "line_live": _("Live"),
        "line_reconnecting": _("Reconnecting…"),
        "line_offline": _("Offline – showing {time}"),
        "no_network": _("No connection. Nothing was changed; please try again."),
        "new_version": _("There is a new version of this page."),
        "reload": _("Reload"),
        "too_many_tabs": _("Too many tabs are open. This one updates more slowly."),
    }


def _times() -> dict[str, str]:
    return {
        "now": _("now"),
        "minutes": _("{number} min"),
        "hours": _("{number} h"),
        "days": _("{number} d"),
        "waiting_minutes": _("waiting {number} min"),
        "waiting_hours": _("waiting {number} h"),
        "waiting_days": _("waiting {number} d"),
        "due_minutes": _("due in {number} min"),
        "due_at": _("due {time}"),
        "overdue": _("overdue"),
        "local_time": _("{time} there"),
        "zone_time_and_own": _("{time} in {place}, {own} for you"),
        "local_times": _("between {first} and {last} there"),
    }


def _list() -> dict[str, str]:
    return {
        "loading": _("Loading…"),
        "fresh": _("{number} new"),
        "unread": _("{number} unread"),
        "draft": _("Draft"),
        "not_shared": _("No longer shared with you"),
        "one_new": _("1 new message."),
        "many_new": _("{number} new messages."),
        "one_left": _("1 conversation is no longer shared with you."),
        "many_left": _("{number} conversations are no longer shared with you."),
        "new_from": _("New message from {name}: {preview}"),
        "own_failed": _("Your message did not arrive."),
        "own_failed_to": _("Your message to {name} did not arrive."),
        "new_in": _("{name}: new messages"),
        "new_message": _("New message"),
        "private_assigned": _("A conversation changed hands"),
        "private_failed": _("A message did not arrive"),
        "private_window": _("A WhatsApp window closes soon"),
        "chosen": _("{number} selected"),
        "chosen_full": _("At most {number} at a time. Do these first."),
        "close_waiting": _("Also close where the customer still waits ({number})"),
        "show_which": _("Show which"),
        "bulk_no_network": _("No connection. Some may be done; trying again does nothing twice."),
        "agent_online": _("Online"),
        "agent_away": _("Away"),
        "agent_offline": _("Offline"),
    }


def _thread() -> dict[str, str]:
    return {
        "you": _("You"),
        "new": _("New"),
        "newest": _("Jump to newest"),
        "newest_number": _("Jump to newest ({number})"),
        "more_events": _("Show {number} earlier events"),
        "quoted_gone": _("Message no longer here"),
        "jumped": _("These are the messages of that day."),
        "photo_of": _("Photo {number} of {total}"),
        "film_of": _("Video {number} of {total}"),
        "photo_from": _("Photo from {name}, {time}"),
        "film_from": _("Video from {name}, {time}"),
        "reacted": _("{name} reacted with {emoji}, {time}"),
        "status_queued": _("Waiting to be sent"),
        "status_sending": _("Sending"),
        "status_sent": _("Sent"),
        "status_delivered": _("Delivered"),
        "status_read": _("Read"),
        "status_unknown": _("Not confirmed"),
        "status_failed": _("Not delivered"),
        "status_blocked": _("Not sent"),
        "status_canceled": _("Cancelled"),
        "is_here": _("{name} is here"),
        "is_away": _("{name} has it open, but is elsewhere"),
        "is_typing": _("{name} is writing"),
        "replies": _("{name} is replying…"),
        "writes_note": _("{name} is writing a note…"),
    }


def _composer() -> dict[str, str]:
    return {
        "hint_enter": _("Enter sends"),
        "hint_ctrl": _("Ctrl+Enter sends"),
        "cost": _("{room} · {segments} · {encoding}"),
        "about_cost": _("about {price}"),
        "one_segment": _("1 segment"),
        "segments": _("{number} segments"),
        "left": _("{number} left"),
        "odd_one": _("1 special character ({characters})"),
        "odd_some": _("{number} special characters ({characters})"),
        "odd_one_dearer": _("1 special character ({characters}) makes this {segments}"),
        "odd_some_dearer": _("{number} special characters ({characters}) make this {segments}"),
        "too_long": _("{number} of {limit} characters: shorten it"),
        "as_mms": _("Goes out as MMS"),
        "as_several": _("Goes out as {number} messages: WhatsApp takes one file each"),
        "reply_to": _("Reply to {name}"),
        "templates_found": _("{number} of {total} templates"),
        "no_templates": _("No template has these words."),
        "say_who": _("The first they hear from you: say that you are {name}."),
        "can_mention": _("{number} to mention: choose with the arrow keys and Enter."),
        "nobody_to_mention": _("Nobody of this name can be mentioned here."),
        "mention_adds": _("Cannot see it yet: will watch"),
        "mention_adds_some": _("Some cannot see it yet: will watch"),
        "mention_team": _("Team of {number}"),
        "can_use_canned": _("{number} canned replies: choose with the arrow keys and Enter."),
        "no_canned": _("There are no canned replies yet. Write the first one."),
        "no_canned_found": _("No canned reply fits."),
        "canned_of_account": _("Everybody’s"),
        "canned_of_inbox": _("This inbox’s"),
        "canned_of_person": _("Mine"),
        "can_use_values": _("{number} to put in: choose with the arrow keys and Enter."),
        "no_values": _("Nothing of this name is known here."),
        "other_draft": _("There is a different draft from another device."),
        "claim_to_answer": _("Claim this conversation to answer."),
        "blocked": _("Replies are blocked. You can still write a note."),
        "read_only": _("You can read this conversation, not answer it."),
        "file": _("File"),
        "too_many_files": _("at most {number} files"),
        "bad_file": _("this kind of file cannot be sent"),
        "empty_file": _("the file is empty"),
        "big_file": _("too large: {number} MB at most"),
        "big_files": _("too large together: {number} MB at most in one message"),
        "uploading": _("Uploading {name}"),
        "describe": _("What is to be seen?"),
        "describe_file": _("What is to be seen in {name}?"),
        "upload_failed": _("could not be uploaded"),
        "remove_file": _("Remove {name}"),
        "remove_wrong_file": _("Remove the file that cannot be sent."),
        "wait_for_files": _("A file is still on its way."),
        "not_sent": _("Not sent"),
        "choose_moment": _("Choose a day and a time."),
        "write_first": _("Write your message first."),
        "sent_in_a_moment": _("It goes in 5 seconds."),
        "not_sent_network": _("no connection"),
        "not_sent_server": _("the server could not take it"),
        "retry": _("Try again"),
        "edit": _("Edit"),
        "delete": _("Delete"),
    }


def _answers() -> dict[str, str]:
    return {
        "dismiss": _("Dismiss"),
        "undo": _("Undo"),
        "undo_last": _("Undo: {words}"),
        "a_conversation": _("A conversation"),
        "nothing_to_undo": _("There is nothing to take back any more."),
        "copied": _("Copied."),
        "copy_failed": _("Your browser did not allow copying."),
        "not_loaded": _("That could not be loaded."),
        "list_not_loaded": _("The list could not be loaded. You see what it showed before."),
        "more_not_loaded": _("More could not be loaded."),
        "panel_not_loaded": _("What is known about the contact could not be loaded."),
        "views_not_loaded": _("Your saved views could not be loaded."),
        "not_done": _("That was not possible."),
        "gone": _("This conversation is not shared with you any more."),
    }

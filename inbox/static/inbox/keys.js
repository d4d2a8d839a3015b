// Which keys do what? Every one has a button too, and single keys can be switched off.

const CHORD_MS = 1_200;
const WRITING_MS = 1_500;

export class Keys {
  // `acts`: name -> function. Names are those of the table below.
  constructor(preferences, acts) {
    this.preferences = preferences;
    this.acts = acts;
    this.chord = "";
    this.field = null;
    this.writtenAt = 0;
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  get isOn() {
    return this.preferences.get("keys") !== "off";
  }

  pressed(event) {
    if (this.isWriting(event)) return;
    if (event.defaultPrevented || event.isComposing || isTyping(event.target)) {
      if (event.key === "Escape" && isTyping(event.target)) this.leaveField(event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // What is open on top has its own keys, Escape first of all.
    if (document.querySelector("dialog[open], :popover-open")) return;
    if (!this.isOn && latin(event) !== "?") return;
    const name = this.nameOf(event);
    const act = name && this.acts[name];
    if (!act) return;
    event.preventDefault();
    act();
  }

  // Whose field was taken away while they typed goes on writing for a moment: no orders are meant.
  isWriting(event) {
    const isField = isTyping(event.target) && event.key !== "Escape";
    if (isField) this.field = event.target;
    else if (!isTaken(this.field) || Date.now() - this.writtenAt > WRITING_MS) {
      this.field = null;
      return false;
    }
    this.writtenAt = Date.now();
    return !isField;
  }

  nameOf(event) {
    const key = latin(event);
    if (this.chord) {
      this.chord = "";
      return VIEWS[key];
    }
    if (key === "g") {
      this.chord = "g";
      setTimeout(() => (this.chord = ""), CHORD_MS);
      return "";
    }
    // Only letters mean another thing with Shift: signs need it on one keyboard and not on another.
    return SINGLE[event.shiftKey && /^[a-z]$/.test(key) ? `shift+${key}` : key];
  }

  leaveField(event) {
    if (event.target.matches("#find") && event.target.value) return;
    event.target.blur();
  }
}

// After `g`.
const VIEWS = {
  m: "mine",
  u: "unassigned",
  a: "everything",
  w: "longest",
  n: "mentions",
  s: "snoozed",
  c: "closed",
};

const SINGLE = {
  j: "next",
  k: "previous",
  o: "open",
  u: "back",
  Escape: "back",
  r: "reply",
  n: "note",
  c: "claim",
  a: "transfer",
  e: "close",
  "shift+e": "closeAndNext",
  z: "snooze",
  p: "promise",
  d: "jump",
  "shift+z": "undo",
  "shift+u": "unread",
  m: "mute",
  t: "tag",
  x: "select",
  "shift+x": "selectTo",
  f: "filter",
  i: "panel",
  "/": "search",
  "?": "help",
};

const SIGNS = { "؟": "?", "？": "?", "／": "/" };

// Say whether single keys are orders here: they can be switched off, and fields take letters.
export function isSingle(event, preferences) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  return preferences.get("keys") !== "off" && !isTyping(event.target);
}

// A keyboard without Latin letters still has the keys in their places, and signs of its own.
export function latin(event) {
  if (event.key.length > 1) return event.key;
  if (SIGNS[event.key]) return SIGNS[event.key];
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key.toLowerCase();
  return event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : event.key;
}

const isTaken = (field) => field && (!field.isConnected || field.closest("[inert]"));

function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches("input[type=radio], input[type=checkbox]")) return false;
  return target.matches("input, textarea, select") || target.isContentEditable;
}

// What does this browser remember about its user's taste?

const KEY = "teaminbox.preferences";

export class Preferences {
  constructor(storage = localStorage) {
    this.storage = storage;
  }

  get(name) {
    return this.all()[name] ?? "";
  }

  set(name, value) {
    try {
      this.storage.setItem(KEY, JSON.stringify({ ...this.all(), [name]: value }));
    } catch {
      // Without storage a taste lasts as long as the page.
    }
  }

  all() {
    try {
      return JSON.parse(this.storage.getItem(KEY)) ?? {};
    } catch {
      return {};
    }
  }
}

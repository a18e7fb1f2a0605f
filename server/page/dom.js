// Elements: found by their ids, and made.

export const byId = (id) => document.getElementById(id);

/** @param {object} properties  of the element; `aria-...` and `class` become attributes */
export function make(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("aria-") || key === "class" || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** To those who listen instead of looking. */
export function say(text) {
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

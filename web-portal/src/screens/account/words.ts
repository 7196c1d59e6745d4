/** Words of the account's pages. Pure. */

const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/(Headless)?Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** `Firefox on Linux`, as far as the browser says; else its own words, shortened. */
export function browser(agent: string): string {
  const [name, system] = [BROWSERS, SYSTEMS].map((list) => list.find(([known]) => known.test(agent))?.[1]);
  if (name) return system ? `${name} on ${system}` : name;
  return agent.trim() === "" ? "a program without a name" : agent.slice(0, 60);
}

const ACTIONS: Record<string, string> = {
  "session.created": "logged in",
  "session.ended": "logged out",
  "session.refused": "failed to log in",
  "password.changed": "changed the password",
  "password.reset": "chose a new password by mail",
  "totp.added": "turned the second factor on",
  "totp.removed": "turned the second factor off",
  "token.created": "made a token",
  "token.deleted": "ended a token",
};

/** An action's stable word for people: `device.approved` is `device approved` where it has no words of its own. */
export const actionWords = (action: string): string => ACTIONS[action] ?? action.replace(/[._-]/g, " ");

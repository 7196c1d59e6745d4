/** The chosen theme, set before anything is drawn; Mantine takes it over from there. */
const kept = (() => {
  try {
    return localStorage.getItem("fallow-colour-scheme");
  } catch {
    return null; // storage can be forbidden
  }
})();
const dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");

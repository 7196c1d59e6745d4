/** What this computer does for its grid now, and how to stop it. */
export function NodePage() {
  return (
    <main id="main">
      <h1>This node</h1>
    </main>
  );
}

// The page: builds queries from the form, and shows the responses.

import { get, request, useKey } from "./api.js";
import { showChips, showOptions, showPopular, showRanked } from "./lists.js";

const byId = (id) => document.getElementById(id);
const SOURCES = {
  codes: "Ranked by the user's code from training.",
  "codes+history": "Ranked by the user's code from training, and items from events or from the history.",
  history: "Ranked by items from events or from the history only.",
  popular: "Nothing is known about the user: these are the most popular items.",
};
const history = [];
const latencies = [];
// Number of the latest query: older responses are discarded.
let latestQuery = 0;
// Whether a query is about to start.
let isScheduled = false;
// Whether the visitor has chosen a user or added an item.
let isEdited = false;

function showProblem(problem) {
  byId("problem-title").textContent = problem.title;
  byId("problem-detail").textContent = problem.detail ?? "";
  byId("key-form").hidden = ![401, 403].includes(problem.status);
  byId("problem").hidden = false;
}

async function withProblems(action) {
  try {
    await action();
  } catch (problem) {
    if (!problem.title) throw problem;
    showProblem(problem);
  }
}

function tags(id) {
  return byId(id).value.split(",").map((tag) => tag.trim()).filter(Boolean);
}

function queryBody() {
  const body = {
    k: Number(byId("k").value),
    exclude_seen: byId("exclude-seen").checked,
    explain: true,
    filter: { any_tags: tags("any-tags"), no_tags: tags("no-tags") },
  };
  const where = byId("where").value.trim();
  if (where) {
    try {
      body.filter.where = JSON.parse(where);
    } catch {
      throw { title: "The attribute conditions are not JSON.", detail: 'Expected for example {"price": {"lte": 20}}.' };
    }
  }
  const user = byId("user").value;
  if (user) body.user_id = user;
  if (history.length || !user) {
    body.history = history;
    body.history_mode = byId("replace-items").checked ? "instead" : "add";
  }
  return body;
}

async function recommend() {
  const number = ++latestQuery;
  await withProblems(async () => {
    const body = queryBody();
    const { document: recommendations, milliseconds } = await request("recommend", body);
    if (number !== latestQuery) return;
    byId("problem").hidden = true;
    showLatency(milliseconds);
    showRecommendations("source", "recommendations", recommendations);
    await Promise.all([showUserItems(body.user_id), compare(body)]);
  });
}

// Enter changes a field and submits the form: one query, not two, of which the second closes an item
// that the visitor has opened meanwhile.
function recommendSoon() {
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(() => {
    isScheduled = false;
    recommend();
  });
}

function showRecommendations(source, list, recommendations) {
  const missing = recommendations.shortfall;
  const note = missing ? ` ${missing} fewer than requested: no more items are allowed.` : "";
  byId(source).textContent = SOURCES[recommendations.source] + note;
  showRanked(byId(list), recommendations, add);
}

async function showUserItems(user) {
  const info = user ? await get(`users/${encodeURIComponent(user)}`) : null;
  const items = [...(info?.items ?? []), ...history];
  const count = info ? `: ${info.seen + info.fresh + history.length}` : "";
  byId("user-items-title").textContent = `The user's items${count}`;
  byId("user-known").textContent = info
    ? `${info.known ? "In" : "Not in"} the release; items in training: ${info.seen}, in events since: ${info.fresh}.`
    : "A new user.";
  showChips(byId("user-items"), items, add, "Add to the history:");
}

async function compare(body) {
  const other = byId("other-release").value;
  byId("comparison").hidden = !other;
  if (!other) return;
  const { document: recommendations } = await request(`releases/${other}/recommend`, body);
  showRecommendations("comparison-source", "comparison-items", recommendations);
}

function showLatency(milliseconds) {
  latencies.push(milliseconds);
  if (latencies.length > 40) latencies.shift();
  byId("latency").textContent = `${milliseconds.toFixed(1)} ms`;
  const max = Math.max(...latencies);
  const points = latencies.map((latency, index) => `${index * 2},${(15 - (latency / max) * 14).toFixed(1)}`);
  byId("latencies").innerHTML = `<polyline points="${points.join(" ")}"/>`;
}

function add(id) {
  isEdited = true;
  if (!id || history.includes(id)) return;
  history.push(id);
  showHistory();
}

function showHistory() {
  const remove = (id) => {
    history.splice(history.indexOf(id), 1);
    showHistory();
  };
  showChips(byId("history"), history, remove, "Remove from the history:");
  recommend();
}

function age(created) {
  const hours = (Date.now() - Date.parse(created)) / 3_600_000;
  if (hours < 1) return `${Math.max(0, Math.round(hours * 60))} min`;
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} d`;
}

async function showRelease() {
  const { releases, serving, last_retraining: retraining } = await get("releases");
  const release = releases.find(({ id }) => id === serving);
  byId("release-id").textContent = serving ?? "none";
  if (release) {
    byId("release-age").textContent = age(release.created_at);
    byId("release-items").textContent = release.items.toLocaleString("en");
    const measured = ["recall@20", "ndcg@20"].filter((name) => name in release.metrics);
    byId("release-quality").textContent =
      measured.map((name) => `${name} ${release.metrics[name].toFixed(4)}`).join(", ") || "not measured";
  }
  byId("retraining").hidden = !retraining;
  if (retraining) {
    byId("retraining-outcome").textContent = `${retraining.outcome}, ${age(retraining.finished)} ago`;
    byId("retraining-outcome").title = retraining.reason;
  }
  const others = releases.filter(({ id, damage }) => id !== serving && !damage);
  byId("other-release").replaceChildren(
    new Option("none", ""),
    ...others.map(({ id, created_at: created }) => new Option(`${id} (${age(created)} old)`, id)),
  );
}

function suggest(input, list, path) {
  byId(input).addEventListener("input", () =>
    withProblems(async () => {
      const prefix = byId(input).value;
      const { ids } = await get(`${path}?k=20&prefix=${encodeURIComponent(prefix)}`);
      if (prefix === byId(input).value) showOptions(byId(list), ids);
    }),
  );
}

async function start() {
  const query = latestQuery;
  await withProblems(async () => {
    await showRelease();
    showPopular(byId("popular"), (await get("popular?k=10")).items, add);
    const { ids } = await get("users?k=20");
    showOptions(byId("users"), ids);
    // Keep what the visitor has entered meanwhile, or is about to enter.
    if (!isEdited && document.activeElement !== byId("user")) byId("user").value = ids[0] ?? "";
    showOptions(byId("items"), (await get("items?k=20")).ids);
  });
  // Not again if the visitor's own query has started.
  if (query === latestQuery && !isScheduled) await recommend();
}

byId("query").addEventListener("submit", (event) => {
  event.preventDefault();
  recommendSoon();
});
byId("query").addEventListener("change", recommendSoon);
byId("user").addEventListener("input", () => (isEdited = true));
byId("k").addEventListener("input", () => (byId("k-shown").textContent = byId("k").value));
byId("add").addEventListener("click", () => {
  add(byId("item").value);
  byId("item").value = "";
});
byId("item").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  byId("add").click();
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
  byId("problem").hidden = true;
  start();
});
suggest("user", "users", "users");
suggest("item", "items", "items");
start();

// The page: what is asked, and where each answer goes.

import { ask, told, useKey } from "./api.js";
import { showChips, showOptions, showPopular, showRanked } from "./lists.js";

const at = (id) => document.getElementById(id);
const SOURCES = {
  codes: "Ranked by the code that training made for this user.",
  "codes+history": "Ranked by the trained code, and what came since or is in the history.",
  history: "Ranked by the items of the history alone.",
  popular: "Nothing is known of the user: these are the most popular items.",
};
const history = [];
const latencies = [];
let asked = 0;
let touched = false;

function explain(problem) {
  at("problem-title").textContent = problem.title;
  at("problem-detail").textContent = problem.detail ?? "";
  at("key-form").hidden = ![401, 403].includes(problem.status);
  at("problem").hidden = false;
}

async function tried(act) {
  try {
    await act();
  } catch (problem) {
    if (!problem.title) throw problem;
    explain(problem);
  }
}

function words(id) {
  return at(id).value.split(",").map((word) => word.trim()).filter(Boolean);
}

function question() {
  const body = {
    k: Number(at("k").value),
    exclude_seen: at("exclude-seen").checked,
    explain: true,
    filter: { any_tags: words("any-tags"), no_tags: words("no-tags") },
  };
  const where = at("where").value.trim();
  if (where) {
    try {
      body.filter.where = JSON.parse(where);
    } catch {
      throw { title: "The attributes are not JSON.", detail: 'For example {"price": {"lte": 20}}.' };
    }
  }
  const user = at("user").value;
  if (user) body.user_id = user;
  if (history.length || !user) {
    body.history = history;
    body.history_mode = at("instead").checked ? "instead" : "add";
  }
  return body;
}

async function recommend() {
  const number = ++asked;
  await tried(async () => {
    const body = question();
    const { document: answer, milliseconds } = await ask("recommend", body);
    if (number !== asked) return;
    at("problem").hidden = true;
    showLatency(milliseconds);
    showAnswer("source", "answer", answer);
    await Promise.all([showOwn(body.user_id), compare(body)]);
  });
}

function showAnswer(source, list, answer) {
  const lacking = answer.shortfall ? ` ${answer.shortfall} fewer than asked for: no more are allowed.` : "";
  at(source).textContent = SOURCES[answer.source] + lacking;
  showRanked(at(list), answer, add);
}

async function showOwn(user) {
  const known = user ? await told(`users/${encodeURIComponent(user)}`) : null;
  const items = [...(known?.items ?? []), ...history];
  at("own-title").textContent = known ? `What they have: ${known.seen + known.fresh + history.length}` : "What they have";
  at("user-known").textContent = known
    ? `${known.known ? "Known" : "Not known"} to training, ${known.seen} seen, ${known.fresh} since.`
    : "Somebody new.";
  showChips(at("own"), items, add, "Add to the history:");
}

async function compare(body) {
  const other = at("other").value;
  at("compared").hidden = !other;
  if (!other) return;
  const { document: answer } = await ask(`releases/${other}/recommend`, body);
  showAnswer("compared-source", "compared-answer", answer);
}

function showLatency(milliseconds) {
  latencies.push(milliseconds);
  if (latencies.length > 40) latencies.shift();
  at("latency").textContent = `${milliseconds.toFixed(1)} ms`;
  const most = Math.max(...latencies);
  const points = latencies.map((one, place) => `${place * 2},${(15 - (one / most) * 14).toFixed(1)}`);
  at("latencies").innerHTML = `<polyline points="${points.join(" ")}"/>`;
}

function add(id) {
  touched = true;
  if (!id || history.includes(id)) return;
  history.push(id);
  showHistory();
}

function showHistory() {
  const remove = (id) => {
    history.splice(history.indexOf(id), 1);
    showHistory();
  };
  showChips(at("history"), history, remove, "Remove from the history:");
  recommend();
}

function age(created) {
  const hours = (Date.now() - Date.parse(created)) / 3_600_000;
  if (hours < 1) return `${Math.max(0, Math.round(hours * 60))} min`;
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} d`;
}

async function showRelease() {
  const { releases, serving, last_night: night } = await told("releases");
  const release = releases.find((one) => one.id === serving);
  at("release-id").textContent = serving ?? "none";
  if (release) {
    at("release-age").textContent = age(release.created_at);
    at("release-items").textContent = release.items.toLocaleString("en");
    const measured = ["recall@20", "ndcg@20"].filter((name) => name in release.metrics);
    at("release-quality").textContent =
      measured.map((name) => `${name} ${release.metrics[name].toFixed(4)}`).join(", ") || "not measured";
  }
  at("night").hidden = !night;
  if (night) {
    at("night-outcome").textContent = `${night.outcome}, ${age(night.finished)} ago`;
    at("night-outcome").title = night.reason;
  }
  const others = releases.filter((one) => one.id !== serving && !one.damage);
  at("other").replaceChildren(
    new Option("none", ""),
    ...others.map((one) => new Option(`${one.id} (${age(one.created_at)} old)`, one.id)),
  );
}

function suggest(input, list, path) {
  at(input).addEventListener("input", () =>
    tried(async () => {
      const prefix = at(input).value;
      const { ids } = await told(`${path}?k=20&prefix=${encodeURIComponent(prefix)}`);
      if (prefix === at(input).value) showOptions(at(list), ids);
    }),
  );
}

async function begin() {
  await tried(async () => {
    await showRelease();
    showPopular(at("popular"), (await told("popular?k=10")).items, add);
    const { ids } = await told("users?k=20");
    showOptions(at("users"), ids);
    // Whoever was faster than this has said whom they want, or is about to.
    if (!touched && document.activeElement !== at("user")) at("user").value = ids[0] ?? "";
    showOptions(at("items"), (await told("items?k=20")).ids);
  });
  await recommend();
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  recommend();
});
at("ask").addEventListener("change", recommend);
at("user").addEventListener("input", () => (touched = true));
at("k").addEventListener("input", () => (at("k-shown").textContent = at("k").value));
at("add").addEventListener("click", () => {
  add(at("item").value);
  at("item").value = "";
});
at("item").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  at("add").click();
});
at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(at("key").value);
  at("problem").hidden = true;
  begin();
});
suggest("user", "users", "users");
suggest("item", "items", "items");
begin();

// Call every operation with the types that openapi-typescript made, through openapi-fetch.
// node calls.js URL RELEASE: prints the operations, one per line.
import createClient from "openapi-fetch";
import type { operations, paths } from "./schema";

const [url, release] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url });
const item = "naïve, café ☕";

type Answered = { data?: unknown; error?: unknown; response: Response };

const calls: Record<keyof operations, () => Promise<Answered>> = {
  recommend: () =>
    client.POST("/recommend", {
      body: { user_id: "17", k: 3, explain: true, filter: { where: { price: { lte: 4 } } } },
    }),
  recommend_batch: () =>
    client.POST("/recommend/batch", { body: { user_ids: ["17", "a stranger"] } }),
  similar: () => client.POST("/similar", { body: { item_id: item } }),
  take_events: () =>
    client.POST("/events", { body: { events: [{ user_id: "17", item_id: item, id: "order/1" }] } }),
  popular: () => client.GET("/popular", { params: { query: { k: 2 } } }),
  items: () => client.GET("/items", { params: { query: { prefix: "item 1", k: 5 } } }),
  users: () => client.GET("/users"),
  item: () => client.GET("/items/{id}", { params: { path: { id: item } } }),
  user: () => client.GET("/users/{id}", { params: { path: { id: "17" } } }),
  releases: () => client.GET("/releases"),
  compare: () =>
    client.POST("/releases/{id}/recommend", {
      params: { path: { id: release } },
      body: { history: [item, "item 3"] },
    }),
  activate_release: () =>
    client.POST("/releases/{id}/activate", { params: { path: { id: release } }, body: {} }),
  rollback_release: () => client.POST("/releases/rollback", { body: {} }),
  forget_user: () => client.DELETE("/users/{id}", { params: { path: { id: "17" } } }),
  metrics: () => client.GET("/metrics", { parseAs: "text" }),
  live: () => client.GET("/livez"),
  ready: () => client.GET("/readyz"),
  explorer: () => client.GET("/", { parseAs: "text" }),
  explorer_part: () =>
    client.GET("/explorer/{name}", { params: { path: { name: "main.js" } }, parseAs: "text" }),
  problems: () => client.GET("/problems", { parseAs: "text" }),
  problem: () =>
    client.GET("/problems/{name}", { params: { path: { name: "not-ready" } }, parseAs: "text" }),
};

for (const [name, call] of Object.entries(calls)) {
  const { data, error, response } = await call();
  if (response.status !== 200 || data === undefined) {
    console.error(name, response.status, error);
    process.exit(1);
  }
  console.log(name);
}

// The answers have types, and so have refusals.
const { data, error } = await client.POST("/recommend", { body: { user_id: "17", k: 2 } });
const ids: string[] = data!.items.map((one) => one.id);
const refused = await client.POST("/recommend", { body: { user_id: "17", k: 100_000 } });
const pointer: string | undefined = refused.error?.errors?.[0].pointer;
if (error !== undefined || ids.length !== 2 || pointer !== "/k") process.exit(1);

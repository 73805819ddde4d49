// Requests to the service. Error responses are thrown as their problem documents. Paths are relative
// to the page, because a proxy may serve it below a path.

const KEY = "bitrecall-key";

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

// Send GET, or POST if there is a body. Returns the parsed response and its time.
export async function request(path, body) {
  const headers = {};
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const started = performance.now();
  let response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw { status: 0, title: "The service does not respond.", detail: "Check that it is running." };
  }
  const milliseconds = performance.now() - started;
  const document = await response.json().catch(() => ({
    status: response.status,
    title: "The response is not JSON.",
    detail: `Status ${response.status}.`,
  }));
  if (!response.ok) throw document;
  return { document, milliseconds };
}

export async function get(path) {
  return (await request(path)).document;
}

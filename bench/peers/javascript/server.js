// A bare Node server on the catalogue. usage: node server.js PORT
import http from "node:http";
import { findProduct, listProducts, updateProduct } from "./catalogue.js";

const PREFIX = "/api/products";
const KEY = `Bearer ${process.env.ADMIN_SECRET_KEY}`;

async function respond(request) {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === PREFIX && request.method === "GET") {
    const { searchParams } = url;
    return listProducts(searchParams.get("category"), searchParams.get("total") !== "false");
  }
  if (!url.pathname.startsWith(`${PREFIX}/`)) return undefined;
  const slug = decodeURIComponent(url.pathname.slice(PREFIX.length + 1));
  if (request.method === "GET") return findProduct(slug);
  if (request.method === "PATCH" && request.headers.authorization === KEY) {
    return updateProduct(slug, await readJson(request));
  }
  return undefined;
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { price, name } = JSON.parse(Buffer.concat(chunks));
  return { ...(price && { price }), ...(name && { name }) };
}

http
  .createServer(async (request, response) => {
    let status = 200;
    let body;
    try {
      body = await respond(request);
      if (!body) [status, body] = [404, { detail: "Not found" }];
    } catch (error) {
      console.error(error);
      [status, body] = [500, { detail: "Internal error" }];
    }
    const content = Buffer.from(JSON.stringify(body));
    response.writeHead(status, {
      "Content-Type": "application/json",
      "Content-Length": content.length,
    });
    response.end(content);
  })
  .listen(Number(process.argv[2]), "127.0.0.1");

import { NextResponse } from "next/server";
import { findProduct } from "../../../../catalogue.js";

export const dynamic = "force-dynamic";

export async function GET(_request, { params }) {
  const { slug } = await params;
  const product = await findProduct(slug);
  return product
    ? NextResponse.json(product)
    : NextResponse.json({ detail: "Not found" }, { status: 404 });
}

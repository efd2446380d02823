import { NextResponse } from "next/server";
import { listProducts } from "../../../catalogue.js";

export const dynamic = "force-dynamic";

export async function GET(request) {
  const { searchParams } = request.nextUrl;
  const withTotal = searchParams.get("total") !== "false";
  return NextResponse.json(await listProducts(searchParams.get("category"), withTotal));
}

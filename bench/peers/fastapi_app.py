"""A typical FastAPI app on SQLAlchemy's async ORM and asyncpg: a peer of `make bench`.

It responds as EggyPro does, from the same tables. It runs in an environment of its own, without
EggyPro. Products of the benchmark have neither images nor variants: no query looks for them.
"""

import base64
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, DateTime, ForeignKey, Numeric, Select, String, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, defer, mapped_column, relationship, selectinload

LIMIT = 20
MAX_TOTAL = 10_000
engine = create_async_engine("postgresql+asyncpg://", pool_size=10, max_overflow=10)
open_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map = {  # noqa: RUF012
        list[str]: ARRAY(Text),
        Decimal: Numeric(10, 2),
        datetime: DateTime(timezone=True),
    }


class ProductCategory(Base):
    """A product in a category."""

    __tablename__ = "product_categories"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), primary_key=True)


class Category(Base):
    """A category."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str]
    name_key: Mapped[str]
    path: Mapped[list[str]]
    is_visible: Mapped[bool]


class Rating(BaseModel):
    """The average and number of a product's ratings."""

    average: Decimal | None
    count: int


class Product(Base):
    """A product."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(String(255), unique=True)
    sku: Mapped[str | None]
    gtin: Mapped[str | None]
    brand: Mapped[str | None]
    tags: Mapped[list[str]]
    weight_grams: Mapped[int | None]
    description: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal]
    compare_at_price: Mapped[Decimal | None]
    images: Mapped[list[str]]
    ingredients: Mapped[list[str]]
    attributes: Mapped[dict[str, str]] = mapped_column(JSON)
    seo_title: Mapped[str | None]
    seo_description: Mapped[str | None]
    stock_quantity: Mapped[int]
    track_stock: Mapped[bool]
    is_active: Mapped[bool]
    is_listed: Mapped[bool]
    version: Mapped[int]
    rating_average: Mapped[Decimal | None]
    rating_count: Mapped[int]
    variant_count: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    name_key: Mapped[str]
    categories: Mapped[list[Category]] = relationship(
        secondary="product_categories",
        secondaryjoin="and_(ProductCategory.category_id == Category.id, Category.is_visible)",
        order_by=(Category.name_key, Category.slug),
        viewonly=True,
    )

    @property
    def rating(self) -> Rating:
        return Rating(average=self.rating_average, count=self.rating_count)


class CategoryBody(BaseModel):
    """A category in the body of a product."""

    model_config = ConfigDict(from_attributes=True)

    slug: str
    name: str


class ItemBody(BaseModel):
    """A product in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    slug: str
    sku: str | None
    gtin: str | None
    brand: str | None
    tags: list[str]
    weight_grams: int | None
    description: str
    price: Decimal
    compare_at_price: Decimal | None
    currency: str = "EUR"
    images: list[str]
    ingredients: list[str]
    seo_title: str | None
    seo_description: str | None
    stock_quantity: int
    track_stock: bool
    is_active: bool
    is_listed: bool
    created_at: datetime
    updated_at: datetime
    categories: list[CategoryBody]
    variant_count: int
    rating: Rating


class ProductBody(ItemBody):
    """A product with all details."""

    details: str
    attributes: dict[str, str]
    image_sets: list[dict[str, str]] = []
    variants: list[dict[str, str]] = []


class PageBody(BaseModel):
    """A page of products."""

    items: list[ItemBody]
    total: int | None
    limit: int = LIMIT
    offset: int = 0
    next: str | None
    total_capped: bool = Field(default=False, exclude_if=lambda capped: not capped)


class Changes(BaseModel):
    """The changes of a PATCH."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    price: Decimal | None = Field(default=None, gt=0, max_digits=10, decimal_places=2)


async def session() -> AsyncIterator[AsyncSession]:
    """Yield the database session of a request."""
    async with open_session() as opened:
        yield opened


def require_admin(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> None:
    """Reject requests without the key of the administrator."""
    if credentials.credentials != os.environ["ADMIN_SECRET_KEY"]:
        raise HTTPException(401)


Session = Annotated[AsyncSession, Depends(session)]


@app.get("/api/products/{slug}", response_model=ProductBody)
async def get_product(slug: str, session: Session) -> Product:
    """Return a product."""
    return await find_product(session, slug)


@app.get("/api/products", response_model=PageBody)
async def list_products(
    session: Session, category: str | None = None, *, total: bool = True
) -> dict[str, object]:
    """Return the first products by name, of a category if given. `total` counts all of them."""
    condition = public_products(category)
    statement = condition.options(
        selectinload(Product.categories), defer(Product.details), defer(Product.attributes)
    )
    page = statement.order_by(Product.name_key, Product.id).limit(LIMIT + 1)
    products = (await session.scalars(page)).all()
    number = await count_products(session, condition) if total else None
    return {
        "items": products[:LIMIT],
        "total": None if number is None else min(number, MAX_TOTAL),
        "next": next_url(category, products[LIMIT - 1]) if len(products) > LIMIT else None,
        "total_capped": number is not None and number > MAX_TOTAL,
    }


@app.patch(
    "/api/products/{slug}", response_model=ProductBody, dependencies=[Depends(require_admin)]
)
async def update_product(slug: str, changes: Changes, session: Session) -> Product:
    """Change a product and return it."""
    product = await find_product(session, slug)
    for name, value in changes.model_dump(exclude_unset=True).items():
        setattr(product, name, value)
    if changes.name is not None:
        product.name_key = changes.name.lower()
    product.version += 1
    product.updated_at = datetime.now(UTC)
    await session.commit()
    return product


async def find_product(session: AsyncSession, slug: str) -> Product:
    """Return the active product with a slug and its categories."""
    statement = select(Product).where(Product.slug == slug, Product.is_active)
    found = await session.scalar(statement.options(selectinload(Product.categories)))
    if found is None:
        raise HTTPException(404)
    return found


def public_products(category: str | None) -> Select[Product]:
    """Return the statement of all public products, of a category and its descendants if given."""
    statement = select(Product).where(Product.is_active, Product.is_listed)
    if category is None:
        return statement
    is_in_category = Category.is_visible & Category.path.contains([category])
    return statement.where(Product.categories.any(is_in_category))


async def count_products(session: AsyncSession, products: Select[Product]) -> int:
    """Return the number of products, at most MAX_TOTAL + 1."""
    capped = products.with_only_columns(Product.id).limit(MAX_TOTAL + 1).subquery()
    return (await session.scalars(select(func.count()).select_from(capped))).one()


def next_url(category: str | None, last: Product) -> str:
    """Return the URL of the page after a product."""
    position = json.dumps([last.name_key, last.id], separators=(",", ":")).encode()
    cursor = base64.urlsafe_b64encode(position).decode().rstrip("=")
    filters = {} if category is None else {"category": category}
    return f"/api/products?{urlencode({**filters, 'cursor': cursor})}"

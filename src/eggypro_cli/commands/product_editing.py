"""`eggypro products create`, `update`, `archive`, `restore` and `delete`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli.commands import product_options
from eggypro_cli.options import SlugArgument, VersionOption, YesOption
from eggypro_cli.output import JsonOption, WrongUsageError, examples, require_yes, show_one, write

if TYPE_CHECKING:
    from eggypro_cli.runtime import Outside

CREATE_EXAMPLES = examples(
    "products create --name 'Egg White' --price 24.99 --stock 40 \\",
    "    --ingredient 'egg white' --ingredient vanilla \\",
    "    --description 'Pure protein' --details '<p>Five eggs a scoop.</p>'",
    "products create --from product.json --attribute 'Weight=1 kg'",
    "products create --from - --json < product.json",
)
UPDATE_EXAMPLES = examples(
    "products update egg-white --price 19.99 --compare-at-price 24.99",
    "products update egg-white --clear sku --no-attribute Weight",
    "products update egg-white --slug pure-egg-white --version 3",
    "products update egg-white --from patch.json --json",
)
ARCHIVE_EXAMPLES = examples("products archive egg-white", "products archive egg-white --version 3")
RESTORE_EXAMPLES = examples("products restore egg-white")
DELETE_EXAMPLES = examples("products delete egg-white", "products delete egg-white --yes")


def create(  # noqa: PLR0913  (an option for each field)
    context: typer.Context,
    *,
    name: product_options.NameOption = None,
    slug: product_options.SlugOption = None,
    sku: product_options.SkuOption = None,
    description: product_options.DescriptionOption = None,
    details: product_options.DetailsOption = None,
    price: product_options.PriceOption = None,
    compare_at_price: product_options.CompareAtOption = None,
    ingredient: product_options.IngredientsOption = None,
    attribute: product_options.AttributesOption = None,
    image: product_options.ImagesOption = None,
    category: product_options.CategoriesOption = None,
    seo_title: product_options.SeoTitleOption = None,
    seo_description: product_options.SeoDescriptionOption = None,
    stock_quantity: product_options.QuantityOption = None,
    track_stock: product_options.TrackOption = None,
    active: product_options.ActiveOption = None,
    file: product_options.FromOption = None,
    json: JsonOption = False,
) -> None:
    """Create a product, of options, of a JSON object, or of both.

    It needs a name, a price, an ingredient, a description and details.
    """
    options = product_options.given(
        {
            "name": name,
            "slug": slug,
            "sku": sku,
            "description": description,
            "details": details,
            "price": price,
            "compare_at_price": compare_at_price,
            "ingredients": ingredient,
            "images": image,
            "categories": category,
            "seo_title": seo_title,
            "seo_description": seo_description,
            "stock_quantity": product_options.number(stock_quantity),
            "track_stock": track_stock,
            "is_active": active,
        }
    )
    edits = product_options.entries("attribute", attribute)
    values = product_options.with_entries(
        product_options.json_object(file) | options, "attributes", edits
    )
    outside: Outside = context.obj
    with outside.open() as shop:
        product = shop.products.add(values)
    show_one(shop, product, json=json)


def update(  # noqa: PLR0913  (an option for each field)
    context: typer.Context,
    slug: SlugArgument,
    *,
    name: product_options.NameOption = None,
    new_slug: product_options.NewSlugOption = None,
    sku: product_options.SkuOption = None,
    description: product_options.DescriptionOption = None,
    details: product_options.DetailsOption = None,
    price: product_options.PriceOption = None,
    compare_at_price: product_options.CompareAtOption = None,
    ingredient: product_options.IngredientsOption = None,
    attribute: product_options.AttributesOption = None,
    no_attribute: product_options.NoAttributesOption = None,
    seo_title: product_options.SeoTitleOption = None,
    seo_description: product_options.SeoDescriptionOption = None,
    stock_quantity: product_options.QuantityOption = None,
    track_stock: product_options.TrackOption = None,
    active: product_options.ActiveOption = None,
    clear: product_options.ClearOption = None,
    file: product_options.FromOption = None,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a product; the rest stays. A file is a JSON merge patch."""
    options = product_options.given(
        {
            "name": name,
            "slug": new_slug,
            "sku": sku,
            "description": description,
            "details": details,
            "price": price,
            "compare_at_price": compare_at_price,
            "ingredients": ingredient,
            "seo_title": seo_title,
            "seo_description": seo_description,
            "stock_quantity": product_options.number(stock_quantity),
            "track_stock": track_stock,
            "is_active": active,
        }
    )
    options |= product_options.cleared(clear, options)
    edits = product_options.entries("attribute", attribute, no_attribute)
    if file is None and not options and not edits:
        raise WrongUsageError("Say what to change, by an option or a file")
    values = product_options.with_entries(
        product_options.json_object(file) | options, "attributes", edits
    )
    outside: Outside = context.obj
    with outside.open() as shop:
        product = shop.products.change(slug, values, version=version)
    show_one(shop, product, json=json)


def archive(
    context: typer.Context,
    slug: SlugArgument,
    *,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Take a product off sale. Nothing of it is lost; `restore` brings it back."""
    outside: Outside = context.obj
    with outside.open() as shop:
        product = shop.products.archive(slug, version=version)
    show_one(shop, product, json=json)


def restore(
    context: typer.Context,
    slug: SlugArgument,
    *,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Put an archived product back on sale."""
    outside: Outside = context.obj
    with outside.open() as shop:
        product = shop.products.restore(slug, version=version)
    show_one(shop, product, json=json)


def delete(
    context: typer.Context,
    slug: SlugArgument,
    *,
    yes: YesOption = False,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a product for good, with all that belongs to it. `archive` loses nothing.

    With --json nothing is written when it is done: there is nothing left to show.
    """
    require_yes(f"Delete '{slug}' for good, with all that belongs to it?", yes=yes, json=json)
    outside: Outside = context.obj
    with outside.open() as shop:
        shop.products.remove(slug, version=version)
    if not json:
        write(f"Deleted '{slug}'.\n", sys.stdout)

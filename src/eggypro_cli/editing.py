"""`eggypro products create`, `update`, `archive`, `restore` and `delete`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli import fields
from eggypro_cli.arguments import SlugArgument, VersionOption, YesOption
from eggypro_cli.console import JsonOption, WrongUsageError, examples, require_yes, show_one, write

if TYPE_CHECKING:
    from eggypro_cli.outside import Outside

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
    name: fields.NameOption = None,
    slug: fields.SlugOption = None,
    sku: fields.SkuOption = None,
    description: fields.DescriptionOption = None,
    details: fields.DetailsOption = None,
    price: fields.PriceOption = None,
    compare_at_price: fields.CompareAtOption = None,
    ingredient: fields.IngredientsOption = None,
    attribute: fields.AttributesOption = None,
    image: fields.ImagesOption = None,
    category: fields.CategoriesOption = None,
    seo_title: fields.SeoTitleOption = None,
    seo_description: fields.SeoDescriptionOption = None,
    stock_quantity: fields.QuantityOption = None,
    track_stock: fields.TrackOption = None,
    active: fields.ActiveOption = None,
    file: fields.FromOption = None,
    json: JsonOption = False,
) -> None:
    """Create a product, of options, of a JSON object, or of both.

    It needs a name, a price, an ingredient, a description and details.
    """
    options = fields.given(
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
            "stock_quantity": fields.number(stock_quantity),
            "track_stock": track_stock,
            "is_active": active,
        }
    )
    edits = fields.entries("attribute", attribute)
    values = fields.with_entries(fields.json_object(file) | options, "attributes", edits)
    outside: Outside = context.obj
    with outside.open() as eggypro:
        product = eggypro.catalog.add(values)
    show_one(eggypro, product, json=json)


def update(  # noqa: PLR0913  (an option for each field)
    context: typer.Context,
    slug: SlugArgument,
    *,
    name: fields.NameOption = None,
    new_slug: fields.NewSlugOption = None,
    sku: fields.SkuOption = None,
    description: fields.DescriptionOption = None,
    details: fields.DetailsOption = None,
    price: fields.PriceOption = None,
    compare_at_price: fields.CompareAtOption = None,
    ingredient: fields.IngredientsOption = None,
    attribute: fields.AttributesOption = None,
    no_attribute: fields.NoAttributesOption = None,
    seo_title: fields.SeoTitleOption = None,
    seo_description: fields.SeoDescriptionOption = None,
    stock_quantity: fields.QuantityOption = None,
    track_stock: fields.TrackOption = None,
    active: fields.ActiveOption = None,
    clear: fields.ClearOption = None,
    file: fields.FromOption = None,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of a product; the rest stays. A file is a JSON merge patch."""
    options = fields.given(
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
            "stock_quantity": fields.number(stock_quantity),
            "track_stock": track_stock,
            "is_active": active,
        }
    )
    options |= fields.cleared(clear, options)
    edits = fields.entries("attribute", attribute, no_attribute)
    if file is None and not options and not edits:
        raise WrongUsageError("Say what to change, by an option or a file")
    values = fields.with_entries(fields.json_object(file) | options, "attributes", edits)
    outside: Outside = context.obj
    with outside.open() as eggypro:
        product = eggypro.catalog.change(slug, values, version=version)
    show_one(eggypro, product, json=json)


def archive(
    context: typer.Context,
    slug: SlugArgument,
    *,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Take a product off sale. Nothing of it is lost; `restore` brings it back."""
    outside: Outside = context.obj
    with outside.open() as eggypro:
        product = eggypro.catalog.archive(slug, version=version)
    show_one(eggypro, product, json=json)


def restore(
    context: typer.Context,
    slug: SlugArgument,
    *,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Put an archived product back on sale."""
    outside: Outside = context.obj
    with outside.open() as eggypro:
        product = eggypro.catalog.restore(slug, version=version)
    show_one(eggypro, product, json=json)


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
    with outside.open() as eggypro:
        eggypro.catalog.remove(slug, version=version)
    if not json:
        write(f"Deleted '{slug}'.\n", sys.stdout)

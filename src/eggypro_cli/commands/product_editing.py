"""`eggypro products create|update|archive|restore|delete`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli.commands import product_options
from eggypro_cli.options import SlugArgument, VersionOption, YesOption, with_options
from eggypro_cli.output import JsonOption, UsageError, confirm, examples, print_product, write

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

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


@with_options(product_options.NEW_PRODUCT)
def create(
    context: typer.Context,
    *,
    options: dict[str, object],
    file: product_options.FromOption = None,
    json: JsonOption = False,
) -> None:
    """Create a product from options, a JSON file, or both.

    Required: name, price, an ingredient, description and details.
    """
    values = product_options.merge_options(options, file, "attribute")
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        product = shop.products.create(values)
    print_product(shop, product, json=json)


@with_options(product_options.PRODUCT_EDIT)
def update(  # noqa: PLR0913  (options of all write commands)
    context: typer.Context,
    current_slug: SlugArgument,
    *,
    options: dict[str, object],
    clear: product_options.ClearOption = None,
    file: product_options.FromOption = None,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Update the given fields of a product. A file is a JSON merge patch."""
    values = product_options.merge_options(options, file, "attribute", clear)
    if file is None and not values:
        raise UsageError("Nothing to update: pass an option or --from")
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        product = shop.products.update(current_slug, values, version=version)
    print_product(shop, product, json=json)


def archive(
    context: typer.Context,
    slug: SlugArgument,
    *,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Archive a product: hide it from customers. `restore` undoes this."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        product = shop.products.archive(slug, version=version)
    print_product(shop, product, json=json)


def restore(
    context: typer.Context,
    slug: SlugArgument,
    *,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Restore an archived product."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        product = shop.products.restore(slug, version=version)
    print_product(shop, product, json=json)


def delete(
    context: typer.Context,
    slug: SlugArgument,
    *,
    yes: YesOption = False,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a product permanently.

    Its variants, images and reviews are deleted too; `archive` deletes nothing. With --json,
    nothing is printed.
    """
    confirm(
        f"Permanently delete '{slug}' with its variants, images and reviews?", yes=yes, json=json
    )
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        shop.products.delete(slug, version=version)
    if not json:
        write(f"Deleted '{slug}'.\n", sys.stdout)

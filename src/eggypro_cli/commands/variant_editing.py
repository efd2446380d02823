"""`eggypro variants create|update|delete`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli.commands import product_options
from eggypro_cli.options import (
    SlugArgument,
    VariantArgument,
    VersionOption,
    YesOption,
    with_options,
)
from eggypro_cli.output import (
    JsonOption,
    UsageError,
    confirm,
    examples,
    print_variant,
    write,
)

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

CREATE_EXAMPLES = examples(
    "variants create egg-white --option 'Size=1 kg' --option Colour=red \\",
    "    --price 24.99 --stock 40",
    "variants create egg-white --from variant.json --sku EW-1-V",
)
UPDATE_EXAMPLES = examples(
    "variants update egg-white 7 --price 19.99 --compare-at-price 24.99",
    "variants update egg-white 7 --option 'Size=2 kg' --no-option Flavour",
    "variants update egg-white 7 --clear image --archived --version 3",
    "variants update egg-white 7 --from patch.json --json",
)
DELETE_EXAMPLES = examples(
    "variants delete egg-white 7", "variants delete egg-white 7 --yes --version 3"
)


@with_options(product_options.NEW_VARIANT)
def create(
    context: typer.Context,
    slug: SlugArgument,
    *,
    options: dict[str, object],
    file: product_options.FromOption = None,
    json: JsonOption = False,
) -> None:
    """Create a variant from options, a JSON file, or both.

    Required: an option and a price. From its first variant on, the price and stock of a product
    derive from its variants.
    """
    values = product_options.merge_options(options, file, "option")
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        variant = shop.variants.create(slug, values)
    print_variant(variant, shop.currency, json=json)


@with_options(product_options.VARIANT_EDIT)
def update(  # noqa: PLR0913  (options of all write commands)
    context: typer.Context,
    slug: SlugArgument,
    variant_id: VariantArgument,
    *,
    options: dict[str, object],
    clear: product_options.ClearOfVariantOption = None,
    file: product_options.FromOption = None,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Update the given fields of a variant. A file is a JSON merge patch."""
    values = product_options.merge_options(options, file, "option", clear)
    if file is None and not values:
        raise UsageError("Nothing to update: pass an option or --from")
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        variant = shop.variants.update(slug, variant_id, values, version=version)
    print_variant(variant, shop.currency, json=json)


def delete(
    context: typer.Context,
    slug: SlugArgument,
    variant_id: VariantArgument,
    *,
    yes: YesOption = False,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Delete a variant permanently.

    `update --archived` hides a variant without deleting it. With --json, nothing is printed.
    """
    from eggypro_core import Status

    confirm(f"Permanently delete variant {variant_id} of '{slug}'?", yes=yes, json=json)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        shop.variants.get(slug, variant_id, Status.ALL)  # report a wrong id as not found
        shop.variants.delete(slug, variant_id, version=version)
    if not json:
        write(f"Deleted variant {variant_id} of '{slug}'.\n", sys.stdout)

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.shop import Shop
from tests.support.builders import make_shop, product_values
from tests.support.wsgi import ADMIN, CATEGORIES, EGG, PRODUCTS, error_fields

PROTEIN = f"{CATEGORIES}/protein"
LINK = f"{EGG}/categories/protein"
PUBLIC_CACHE_CONTROL = "public, max-age=0, must-revalidate"


@pytest.fixture
def shop() -> Shop:
    """A shop with the product `egg-white-protein` and the unlinked category `protein`."""
    shop = make_shop()
    shop.products.create(product_values())
    shop.categories.create({"name": "Protein"})
    return shop


def slugs(response: Result) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["slug"] for item in response.json["items"]]


def put(client: TestClient, path: str = PROTEIN, **values: object) -> Result:
    return client.simulate_put(path, headers=ADMIN, json={"name": "Protein", **values})


def test_get_shows_all_fields_of_a_category(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein", "description": "To bite"})
    shop.categories.link("egg-white-protein", "bars")
    response = client.simulate_get(f"{CATEGORIES}/bars")
    assert response.status_code == 200
    assert response.json == {
        "id": response.json["id"],
        "name": "Bars",
        "slug": "bars",
        "description": "To bite",
        "parent": "protein",
        "path": ["protein", "bars"],
        "is_active": True,
        "product_count": 1,
        "created_at": "2026-01-01T12:00:00.000000Z",
    }
    assert list(response.json)[:6] == ["id", "name", "slug", "description", "parent", "path"]
    parent = client.simulate_get(PROTEIN).json
    assert (parent["parent"], parent["description"], parent["product_count"]) == (None, None, 1)


def test_missing_category_is_not_found(client: TestClient) -> None:
    missing = client.simulate_get(f"{CATEGORIES}/duck")
    assert missing.status_code == 404
    assert missing.json["detail"] == "There is no category 'duck'"


def test_location_refers_to_the_created_resource(client: TestClient) -> None:
    creation = client.simulate_post(
        CATEGORIES, headers=ADMIN, json={"name": "Crème & Brûlée", "parent": "protein"}
    )
    assert creation.status_code == 201
    assert creation.headers["location"] == f"{CATEGORIES}/creme-and-brulee"
    assert creation.headers["cache-control"] == "no-store"
    response = client.simulate_get(creation.headers["location"])
    assert response.text == creation.text
    assert response.headers["etag"] == creation.headers["etag"]


def test_create_category_lists_every_error(client: TestClient) -> None:
    values = {"name": "<b>", "slug": "A", "parent": 7, "id": 1, "path": [], "colour": "red"}
    response = client.simulate_post(CATEGORIES, headers=ADMIN, json=values)
    assert sorted(error_fields(response)) == ["colour", "id", "name", "parent", "path", "slug"]
    assert error_fields(client.simulate_post(CATEGORIES, headers=ADMIN, json={})) == ["name"]
    assert error_fields(put(client, colour="red", product_count="x")) == ["colour"]


@pytest.mark.parametrize("parent", ["no-such", "egg-white-protein"])
def test_unknown_parent_is_invalid(client: TestClient, parent: str) -> None:
    assert error_fields(put(client, parent=parent)) == ["parent"]
    response = client.simulate_post(CATEGORIES, headers=ADMIN, json={"name": "x", "parent": parent})
    assert error_fields(response) == ["parent"]


def test_invalid_positions_in_the_tree_are_conflicts(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein"})
    for response in (put(client, parent="bars"), put(client, parent="protein")):
        assert (response.status_code, response.json["type"]) == (409, "/problems/category-cycle")
        assert response.json["detail"] == "A category cannot be below itself"
    assert put(client, slug="bars").status_code == 409
    shop.categories.archive("bars")
    response = client.simulate_post(CATEGORIES, headers=ADMIN, json={"name": "x", "slug": "bars"})
    assert response.status_code == 409
    assert response.json["detail"] == "The slug 'bars' belongs to an archived category"


def test_put_without_parent_makes_a_root(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein", "description": "x", "slug": "b"})
    shop.categories.archive("b")
    response = put(client, f"{CATEGORIES}/b", name="Neu")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    expected = {"name": "Neu", "slug": "b", "parent": None, "path": ["b"], "description": None}
    assert response.json.items() >= {**expected, "is_active": False}.items()


def test_body_of_get_can_be_put(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein", "description": "To bite"})
    original = client.simulate_get(f"{CATEGORIES}/bars")
    response = client.simulate_put(f"{CATEGORIES}/bars", headers=ADMIN, json=original.json)
    assert response.status_code == 200
    assert response.text == original.text


def test_put_does_not_create(client: TestClient) -> None:
    assert put(client, f"{CATEGORIES}/new").status_code == 404


def test_delete_archives_and_is_idempotent(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein"})
    for _ in range(2):
        response = client.simulate_delete(PROTEIN, headers=ADMIN)
        assert (response.status_code, response.content) == (204, b"")
    assert client.simulate_get(PROTEIN).status_code == 404
    assert client.simulate_get(f"{CATEGORIES}/bars").status_code == 404
    assert slugs(client.simulate_get(CATEGORIES)) == []
    assert client.simulate_delete(f"{CATEGORIES}/no-such", headers=ADMIN).status_code == 404
    assert put(client, is_active=True).json["is_active"] is True
    assert slugs(client.simulate_get(CATEGORIES)) == ["bars", "protein"]


def test_permanent_delete_moves_children_up_and_is_idempotent(
    client: TestClient, shop: Shop
) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein"})
    shop.categories.link("egg-white-protein", "protein")
    for _ in range(2):
        response = client.simulate_delete(PROTEIN, params={"permanent": True}, headers=ADMIN)
        assert response.status_code == 204
    assert client.simulate_get(f"{CATEGORIES}/bars").json["path"] == ["bars"]
    assert client.simulate_get(EGG).json["categories"] == []
    rejection = client.simulate_delete(PROTEIN, params={"permanent": "yes"}, headers=ADMIN)
    assert error_fields(rejection) == ["permanent"]


def test_only_admins_see_archived_categories(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein"})
    shop.categories.archive("protein")
    for path in (CATEGORIES, PROTEIN):
        assert client.simulate_get(path, params={"status": "all"}).status_code == 401
    category = client.simulate_get(PROTEIN, params={"status": "all"}, headers=ADMIN)
    assert (category.json["is_active"], category.headers["cache-control"]) == (False, "no-store")
    page = client.simulate_get(CATEGORIES, params={"status": "archived"}, headers=ADMIN)
    assert slugs(page) == ["bars", "protein"]


def test_next_pages_through_the_list(client: TestClient, shop: Shop) -> None:
    for name in ("Bars", "Ä", "Shakes"):
        shop.categories.create({"name": name})
    first = client.simulate_get(CATEGORIES, params={"limit": 3})
    assert slugs(first) == ["a", "bars", "protein"]
    assert first.json.items() >= {"total": 4, "limit": 3, "offset": 0}.items()
    path, _, query = first.json["next"].partition("?")
    assert path == CATEGORIES
    last = client.simulate_get(path, query_string=query)
    assert slugs(last) == ["shakes"]
    assert (last.json["next"], last.json["offset"]) == (None, None)
    cursor = first.json["next"].partition("cursor=")[2]
    children = client.simulate_get(CATEGORIES, params={"parent": "none", "cursor": cursor})
    assert children.status_code == 400


def test_list_filters_by_parent(client: TestClient, shop: Shop) -> None:
    shop.categories.create({"name": "Bars", "parent": "protein"})
    for parent, expected in (("none", ["protein"]), ("protein", ["bars"]), ("no-such", [])):
        assert slugs(client.simulate_get(CATEGORIES, params={"parent": parent})) == expected


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=1001&offset=-1", ["limit", "offset"]),
        ("colour=red", ["colour"]),
        ("parent=a&parent=b", ["parent"]),
        ("parent=", ["parent"]),
        ("sort=name", ["sort"]),
        ("offset=1&cursor=x", ["offset"]),
    ],
)
def test_parameters_are_validated_strictly(
    client: TestClient, query: str, fields: list[str]
) -> None:
    assert error_fields(client.simulate_get(CATEGORIES, query_string=query)) == fields
    assert client.simulate_get(CATEGORIES, query_string="limit=1000").status_code == 200


def test_writes_reject_parameters(client: TestClient) -> None:
    body = {"name": "x"}
    for response in (
        client.simulate_post(CATEGORIES, headers=ADMIN, json=body, query_string="a=1"),
        client.simulate_put(PROTEIN, headers=ADMIN, json=body, query_string="a=1"),
        client.simulate_put(LINK, headers=ADMIN, query_string="a=1"),
        client.simulate_delete(LINK, headers=ADMIN, query_string="a=1"),
        client.simulate_get(PROTEIN, query_string="a=1"),
    ):
        assert error_fields(response) == ["a"]


@pytest.mark.parametrize("path", [CATEGORIES, PROTEIN])
def test_matching_etag_is_not_modified(client: TestClient, shop: Shop, path: str) -> None:
    first = client.simulate_get(path)
    assert first.headers["cache-control"] == PUBLIC_CACHE_CONTROL
    headers = {"If-None-Match": first.headers["etag"]}
    assert client.simulate_get(path, headers=headers).status_code == 304
    shop.categories.link("egg-white-protein", "protein")
    assert client.simulate_get(path, headers=headers).status_code == 200


def test_product_is_linked_and_unlinked(client: TestClient) -> None:
    before = client.simulate_get(EGG)
    for _ in range(2):
        response = client.simulate_put(LINK, headers=ADMIN)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["cache-control"] == "no-store"
    after = client.simulate_get(EGG)
    assert after.json["categories"] == [{"slug": "protein", "name": "Protein"}]
    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["etag"].partition(".")[0] == before.headers["etag"].partition(".")[0]
    page = client.simulate_get(PRODUCTS, params={"category": "protein"})
    assert page.json["items"][0]["categories"] == after.json["categories"]
    for _ in range(2):
        assert client.simulate_delete(LINK, headers=ADMIN).status_code == 204
    assert client.simulate_get(EGG).text == before.text


def test_link_requires_product_and_category(client: TestClient) -> None:
    for path in (f"{EGG}/categories/no-such", f"{PRODUCTS}/duck/categories/protein"):
        assert client.simulate_put(path, headers=ADMIN).status_code == 404
        assert client.simulate_delete(path, headers=ADMIN).status_code == 204


def test_link_with_a_former_slug_redirects(client: TestClient, shop: Shop) -> None:
    shop.products.update("egg-white-protein", {"slug": "egg-white"})
    for method in ("PUT", "DELETE"):
        response = client.simulate_request(method, LINK, headers=ADMIN)
        assert response.status_code == 308
        assert response.headers["location"] == f"{PRODUCTS}/egg-white/categories/protein"


def test_create_product_with_categories(client: TestClient) -> None:
    creation = client.simulate_post(
        PRODUCTS, headers=ADMIN, json=product_values(name="Bar", categories=["protein", "protein"])
    )
    assert creation.status_code == 201
    assert creation.json["categories"] == [{"slug": "protein", "name": "Protein"}]
    for categories in (["no-such"], "protein", [1], ["P"], ["protein"] * 101):
        rejection = client.simulate_post(
            PRODUCTS, headers=ADMIN, json=product_values(name="Bar", categories=categories)
        )
        assert error_fields(rejection) == ["categories"]
    update = client.simulate_patch(EGG, headers=ADMIN, json={"categories": ["protein"]})
    assert error_fields(update) == ["categories"]
    values = product_values(categories=["protein"])
    assert client.simulate_put(EGG, headers=ADMIN, json=values).json["categories"] == []


def test_product_writes_return_its_categories(client: TestClient) -> None:
    client.simulate_put(LINK, headers=ADMIN)
    for method, body in (("PATCH", {"price": "1.00"}), ("PUT", product_values())):
        response = client.simulate_request(method, EGG, headers=ADMIN, json=body)
        assert response.json["categories"] == [{"slug": "protein", "name": "Protein"}]
        assert response.text == client.simulate_get(EGG).text

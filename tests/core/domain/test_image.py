import pytest
from attrs import asdict, evolve

from eggypro_core.domain.image import (
    MAX_UPLOAD_BYTES,
    RENDITIONS,
    Crop,
    ImageFormat,
    StoredImage,
    Transformation,
    image_id_from,
    image_set,
    is_public_id,
    public_id_in,
    require_displayable,
)
from eggypro_core.errors import TooLargeError, ValidationError

STORED = StoredImage(
    public_id="eggypro-products/egg", width=1600, height=1000, format="jpg", size=1234
)


def address(public_id: str, made: Transformation | None) -> str:
    """The parts of an address as Cloudinary writes them."""
    if made is None:
        return public_id
    sides = [("w", made.width), ("h", made.height)]
    words = [f"c_{made.crop}", *(f"{name}_{side}" for name, side in sides if side)]
    return f"{','.join([*words, f'q_{made.quality}', f'f_{made.format}'])}/{public_id}"


def test_an_image_is_served_in_exactly_these_sizes() -> None:
    assert asdict(image_set(STORED.public_id, address, alt="An egg", stored=STORED)) == {
        "public_id": "eggypro-products/egg",
        "original": "eggypro-products/egg",
        "optimized": "c_limit,w_800,q_80,f_auto/eggypro-products/egg",
        "thumbnail": "c_fill,w_400,h_400,q_auto,f_auto/eggypro-products/egg",
        "responsive": {
            "400w": "c_limit,w_400,q_auto,f_auto/eggypro-products/egg",
            "800w": "c_limit,w_800,q_auto,f_auto/eggypro-products/egg",
            "1200w": "c_limit,w_1200,q_auto,f_auto/eggypro-products/egg",
        },
        "width": 1600,
        "height": 1000,
        "format": "jpg",
        "size": 1234,
        "alt": "An egg",
    }
    assert list(RENDITIONS) == ["optimized", "thumbnail", "400w", "800w", "1200w"]


def test_an_image_elsewhere_is_at_its_one_address_in_every_size() -> None:
    ref = "https://cdn.example/egg.jpg"
    found = asdict(image_set(ref, address, alt="An egg"))
    numbers = ("width", "height", "format", "size")
    assert {found.pop(name) for name in ("public_id", *numbers)} == {None}
    assert found.pop("alt") == "An egg"
    assert {*found.pop("responsive").values(), *found.values()} == {ref}


@pytest.mark.parametrize("public_id", ["egg", "eggypro-products/a_b-3", "0/1/2", "a" * 200])
def test_a_public_id_is_names_between_slashes(public_id: str) -> None:
    assert is_public_id(public_id)


def test_a_name_gets_its_folder() -> None:
    assert public_id_in("eggs", "white") == "eggs/white"
    for folder, name in (("", "white"), ("eggs", ""), ("eggs", ".."), ("a" * 199, "b")):
        with pytest.raises(ValidationError, match=r"public_id: .* is no public id"):
            public_id_in(folder, name)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"width": 1},
        {"width": 10_000, "height": 10_000, "crop": "fill", "quality": 100, "format": "png"},
        {"height": 3, "quality": "auto", "format": "auto", "crop": "thumb"},
    ],
)
def test_a_transformation_is_read(values: dict[str, object]) -> None:
    shown = asdict(Transformation.parse(values))
    assert {name: shown[name] for name in values} == values


def test_what_a_transformation_leaves_out_is_automatic() -> None:
    assert asdict(Transformation.parse({"width": 5})) == {
        "width": 5,
        "height": None,
        "crop": Crop.LIMIT,
        "quality": "auto",
        "format": ImageFormat.AUTO,
    }


def test_every_fault_of_a_transformation_is_named() -> None:
    values: dict[str, object] = {
        "width": 0,
        "height": "400/../x",
        "crop": "pad",
        "quality": 101,
        "format": "gif",
        "angle": 90,
    }
    with pytest.raises(ValidationError) as refused:
        Transformation.parse(values)
    assert [fault.field for fault in refused.value.errors] == list(values)
    for name, value in (("crop", "fill"), ("quality", 0), ("quality", True), ("width", 10_001)):
        with pytest.raises(ValidationError, match=f"{name}: "):
            Transformation.parse({name: value})


def test_an_image_that_came_by_itself_is_held_to_the_same_rules() -> None:
    require_displayable(STORED)
    require_displayable(evolve(STORED, size=MAX_UPLOAD_BYTES, width=8000, height=5000))
    with pytest.raises(TooLargeError, match="File size exceeds 10MB limit"):
        require_displayable(evolve(STORED, size=MAX_UPLOAD_BYTES + 1))
    with pytest.raises(ValidationError, match=r"file: Invalid file type. Only JPEG, PNG, and WebP"):
        require_displayable(evolve(STORED, format="gif"))
    with pytest.raises(ValidationError, match=r"file: .* 40 megapixels"):
        require_displayable(evolve(STORED, width=8001, height=5000))


def served_at(public_id: str, made: Transformation | None) -> str:
    return f"/images/{public_id}/{'original' if made is None else made.width}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eggypro-products/egg", "eggypro-products/egg"),
        ("/images/eggypro-products/egg/original", "eggypro-products/egg"),
        ("/images/eggypro-products/egg/800", "eggypro-products/egg"),
        ("/images/eggypro-products/egg/801", None),
        ("/images/eggypro-products/egg", None),
        ("https://x.example/images/eggypro-products/egg/original", None),
        ("eggypro-products/egg/", None),
        ("eggypro-products/egg.jpg", None),
        ("eggypro-products/-egg", None),
        ("eggypro-products/", None),
        ("eggypro-products/" + "a" * 400, None),
        ("egg", None),
        ("", None),
    ],
)
def test_an_image_of_ours_is_known_by_its_id_and_by_its_addresses(
    text: str, found: str | None
) -> None:
    assert image_id_from(text, served_at) == found

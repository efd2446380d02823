import cloudinary
import pytest
from cloudinary.utils import cloudinary_url
from hypothesis import example, given
from hypothesis import strategies as st

from eggypro_adapters.cloudinary_images.addresses import delivery_url
from eggypro_core.domain.image import RENDITIONS, Crop, ImageFormat, Transformation

SIDES = st.none() | st.integers(1, 10_000)
# The SDK reads % as an escape and // as /; Cloudinary allows neither in an id.
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/%"), min_size=1)
PUBLIC_IDS = st.lists(NAMES | st.from_regex(r"v[0-9]+(\.jpg)?", fullmatch=True), min_size=1)
TRANSFORMATIONS = st.builds(
    Transformation,
    width=SIDES,
    height=SIDES,
    crop=st.sampled_from(Crop),
    quality=st.just("auto") | st.integers(1, 100),
    format=st.sampled_from(ImageFormat),
)


def sdk_url(public_id: str, transformation: Transformation | None) -> str:
    options: dict[str, object] = {}
    if transformation:
        has_frame = transformation.width or transformation.height
        options = {
            "width": transformation.width,
            "height": transformation.height,
            "crop": transformation.crop.value if has_frame else None,
            "quality": transformation.quality,
            "fetch_format": transformation.format.value,
        }
    url, _ = cloudinary_url(public_id, cloud_name="eggs", secure=True, **options)
    return str(url)


@given(
    public_id=PUBLIC_IDS.map("/".join).filter(
        lambda name: not name.startswith(("http:", "https:"))
    ),
    transformation=st.none() | TRANSFORMATIONS,
)
@example("eggypro-products/egg white.v2/Ei~weiß:é+🥚", RENDITIONS["thumbnail"])
@example("v1/egg", None)
@example("egg", None)
def test_delivery_url_equals_the_url_of_the_sdk(
    public_id: str, transformation: Transformation | None
) -> None:
    url = delivery_url("eggs", public_id, transformation)
    assert url == sdk_url(public_id, transformation)


@pytest.mark.parametrize(
    ("rendition", "step"),
    [
        ("optimized", "c_limit,f_auto,q_80,w_800"),
        ("thumbnail", "c_fill,f_auto,h_400,q_auto,w_400"),
        ("1200w", "c_limit,f_auto,q_auto,w_1200"),
    ],
)
def test_delivery_url_of_each_rendition(rendition: str, step: str) -> None:
    url = delivery_url("eggs", "eggypro-products/a1", RENDITIONS[rendition])
    assert url == (f"https://res.cloudinary.com/eggs/image/upload/{step}/v1/eggypro-products/a1")


def test_delivery_url_ignores_the_configuration_of_the_sdk() -> None:
    try:
        cloudinary.config(cloud_name="other", secure=False, secure_distribution="evil.example")
        url = delivery_url("eggs", "a1")
    finally:
        cloudinary.reset_config()
    assert url == "https://res.cloudinary.com/eggs/image/upload/a1"

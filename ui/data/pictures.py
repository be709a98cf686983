"""A few of the images that a person has brought."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dlcore.views import balance
from ui.data.brought import Pictures
from ui.data.question import STILL
from ui.messages import escape
from ui.session import label, t

WIDTH = 700  # pixels on the page
ACROSS = 10


def draw_samples(brought: Pictures) -> None:
    """Draw the samples on one sheet."""
    with st.container(border=True, key="data_pictures"):
        st.markdown(f"**{label('data.pictures')}**")
        shape = (brought.dataset.get("channels", 1), brought.dataset["height"], brought.dataset["width"])
        board = make_sheet(brought.samples, *shape)
        st.image(board, width=WIDTH, caption=escape(brought.dataset["name"]))


def draw_classes(brought: Pictures) -> None:
    """Draw how many images each class has."""
    with st.container(border=True, key="data_spread"):
        st.markdown(f"**{label('data.balance')}**")
        figure = balance.draw({"classes": brought.classes}, t)
        st.plotly_chart(figure, config=STILL, key="data_balance", alt=t("data.balance"))


def make_sheet(samples: np.ndarray, channels: int, height: int, width: int) -> np.ndarray:
    """One image made of n, given as (n, channels * height * width) uint8: ten in a row, light lines between them."""
    rows = -(-len(samples) // ACROSS)
    board = np.full((rows * (height + 1), ACROSS * (width + 1), channels), 128, dtype=np.uint8)
    for index, sample in enumerate(samples):
        top, left = (index // ACROSS) * (height + 1), (index % ACROSS) * (width + 1)
        board[top : top + height, left : left + width] = np.moveaxis(sample.reshape(channels, height, width), 0, 2)
    return board[..., 0] if channels == 1 else board

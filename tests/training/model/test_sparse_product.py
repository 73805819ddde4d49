import numpy as np
import pytest
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.sparse_product import propagate

pytestmark = pytest.mark.slow


def test_propagation_has_the_gradient_of_the_dense_product():
    users, items = np.array([(0, 0), (0, 3), (1, 1), (2, 1), (2, 2)]).T
    graph = EdgeList(users, items, 3, 4).graph()
    dense = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weights = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    product = propagate(graph.users_to_items, graph.items_to_users, dense)
    (actual,) = torch.autograd.grad((product * weights).sum(), dense)
    expected_product = graph.users_to_items.to_dense() @ dense
    (expected,) = torch.autograd.grad((expected_product * weights).sum(), dense)
    np.testing.assert_allclose(product.detach(), expected_product.detach(), rtol=1e-5)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)

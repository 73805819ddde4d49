import torch

from bitrecall.training.model.signs.straight_through import straight_through_sign


def test_forward_is_the_sign_and_backward_the_identity_however_large_the_entry():
    x = torch.tensor([-1e6, -0.5, -0.0, 0.5, 7.0], requires_grad=True)
    weights = torch.tensor([1.0, -2.0, 3.0, 4.0, 5.0])
    codes = straight_through_sign(x)
    assert codes.tolist() == [-1, -1, 1, 1, 1]
    (gradient,) = torch.autograd.grad((codes * weights).sum(), x)
    assert torch.equal(gradient, weights)

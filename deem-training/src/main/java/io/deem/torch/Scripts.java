package io.deem.torch;

/** TorchScript that is written by hand: what changes weights in place. */
final class Scripts {

  private Scripts() {}

  /** Copies the second tensor into the first. */
  static final String COPY =
      """
        def forward(self: __torch__.Block, to: Tensor, from_: Tensor) -> Tensor:
          return torch.copy_(to, from_)
      """;
}

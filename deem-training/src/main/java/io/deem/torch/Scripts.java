package io.deem.torch;

/** TorchScript that is written by hand: what moves weights and changes them in place. */
final class Scripts {

  private Scripts() {}

  /** Copies the second tensor into the first. */
  static final String COPY =
      """
        def forward(self: __torch__.Block, to: Tensor, from_: Tensor) -> Tensor:
          return torch.copy_(to, from_)
      """;

  /** A tensor in 32 bits. */
  static final String WIDEN =
      """
        def forward(self: __torch__.Block, x: Tensor) -> Tensor:
          return torch.to(x, 6)
      """;

  /** Copies a tensor to a device, which need not wait for it. */
  static String visit(String device) {
    return """
        def forward(self: __torch__.Block, x: Tensor) -> Tensor:
          return torch.to(x, torch.device("%s"), None, True, True)
      """
        .formatted(device);
  }
}

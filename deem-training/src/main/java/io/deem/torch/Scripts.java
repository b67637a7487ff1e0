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

  /** Adds the second tensor, wherever it is, to the first, which is on a device. */
  static String add(String device) {
    return """
        def forward(self: __torch__.Block, to: Tensor, from_: Tensor) -> Tensor:
          return torch.add_(to, torch.to(from_, torch.device("%s"), None, False, False))
      """
        .formatted(device);
  }

  /** Divides a tensor. */
  static String divide(int by) {
    return """
        def forward(self: __torch__.Block, x: Tensor) -> Tensor:
          return torch.div_(x, %d)
      """
        .formatted(by);
  }
}

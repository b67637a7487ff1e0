package io.deem.verify;

import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.model.AutoencoderKl;
import io.deem.weights.TensorSource;

/**
 * The autoencoder: a picture's distribution, a draw from it with stored noise, and a decoded
 * picture.
 */
final class VaeCheck implements FixtureCheck {

  @Override
  public String kind() {
    return "vae";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("pixel_values", "moments", "noise", "decode_in", "decode_out");
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    TensorSource io = fixture.io();
    Reference reference = report.against(io, engine.name());
    AutoencoderKl vae = new AutoencoderKl(config(new Sizes(fixture.config())), "");
    try (Session session = engine.open(fixture.weights());
        Scope scope = session.scope()) {
      AutoencoderKl.Moments moments = vae.encode(scope, input(scope, io, "pixel_values"));
      compare(reference, "encoder_conv_out", moments.encoderOut());
      compare(reference, "moments", moments.moments());
      compare(reference, "mean", moments.mean());
      compare(reference, "logvar", moments.logvar());
      compare(reference, "std", moments.std());
      Value noise = input(scope, io, "noise");
      compare(reference, "sample", vae.sample(scope, moments.mean(), moments.std(), noise));
      compare(reference, "decode_out", vae.decode(scope, input(scope, io, "decode_in")));
      if (fixture.hasAll("rect_pixel_values", "rect_moments", "rect_decode_out")) {
        moments = vae.encode(scope, input(scope, io, "rect_pixel_values"));
        compare(reference, "rect_moments", moments.moments());
        compare(reference, "rect_decode_out", vae.decode(scope, moments.mean()));
      }
    }
  }

  private static Value input(Scope scope, TensorSource io, String name) {
    return scope.floats(io.floats(name), io.info(name).shape());
  }

  private static void compare(Reference reference, String name, Value value) {
    reference.output(name, value.floats(), value.shape());
  }

  private static AutoencoderKl.Config config(Sizes sizes) {
    return new AutoencoderKl.Config(
        sizes.integer("in_channels"),
        sizes.integer("out_channels"),
        sizes.integer("latent_channels"),
        sizes.integers("block_out_channels"),
        sizes.integer("layers_per_block"),
        sizes.integer("norm_num_groups"),
        sizes.number("scaling_factor"));
  }
}

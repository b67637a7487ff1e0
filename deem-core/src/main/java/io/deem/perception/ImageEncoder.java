package io.deem.perception;

import io.deem.Image;
import io.deem.Region;
import io.deem.graph.Resampling;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.image.Framing;
import io.deem.image.Interpolation;
import io.deem.image.PixelPlanes;
import io.deem.model.DeemNetwork;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Shows pictures to the network, several at once, each once as long as it is remembered.
 *
 * <p>A region's mask is reduced to the encoder's size by taking the nearest pixel, as the reference
 * does it; what becomes of it at the sizes of the feature maps is the network's matter.
 */
final class ImageEncoder {

  /** Pictures in one pass. */
  private static final int AT_ONCE = 8;

  private final DeemNetwork network;
  private final EncodedImages remembered;

  ImageEncoder(DeemNetwork network, EncodedImages remembered) {
    this.network = network;
    this.remembered = remembered;
  }

  EncodedImage encode(Scope scope, Image image, Watch watch) {
    return encode(scope, List.of(image), watch).get(0);
  }

  /** What is seen in each image, in their order. */
  List<EncodedImage> encode(Scope scope, List<Image> images, Watch watch) {
    Map<String, EncodedImage> known = new HashMap<>();
    // Pictures with and without region take different ways through the network.
    Map<Boolean, Map<String, Image>> unknown = new LinkedHashMap<>();
    for (Image image : images) {
      String hash = image.contentHash();
      EncodedImage found = known.containsKey(hash) ? known.get(hash) : remembered.find(hash);
      if (found != null) {
        known.put(hash, found);
      } else {
        unknown
            .computeIfAbsent(image.region().isPresent(), any -> new LinkedHashMap<>())
            .put(hash, image);
      }
    }
    watch.check();
    unknown.forEach(
        (regions, group) -> {
          List<String> hashes = new ArrayList<>(group.keySet());
          for (int first = 0; first < hashes.size(); first += AT_ONCE) {
            List<String> some = hashes.subList(first, Math.min(first + AT_ONCE, hashes.size()));
            List<Image> pictures = some.stream().map(group::get).collect(Collectors.toList());
            List<EncodedImage> seen = see(scope, pictures, regions);
            for (int i = 0; i < some.size(); i++) {
              remembered.keep(some.get(i), seen.get(i));
              known.put(some.get(i), seen.get(i));
            }
            watch.check();
          }
        });
    return images.stream()
        .map(image -> known.get(image.contentHash()))
        .collect(Collectors.toList());
  }

  private List<EncodedImage> see(Scope outer, List<Image> images, boolean regions) {
    int side = network.config().imageSize();
    int area = side * side;
    float[] pixels = new float[Math.multiplyExact(images.size(), 3 * area)];
    float[] masks = regions ? new float[images.size() * area] : null;
    for (int i = 0; i < images.size(); i++) {
      float[] planes = PixelPlanes.of(Framing.SQUASH.apply(images.get(i), side));
      System.arraycopy(planes, 0, pixels, i * 3 * area, planes.length);
      if (regions) {
        System.arraycopy(mask(images.get(i), side), 0, masks, i * area, area);
      }
    }
    try (Scope scope = outer.child()) {
      Value input = scope.floats(pixels, images.size(), 3, side, side);
      Value inside = regions ? scope.floats(masks, images.size(), 1, side, side) : null;
      return EncodedImage.of(network.eyes().forward(scope, input, inside), regions);
    }
  }

  /**
   * An image's region at another size.
   *
   * @param image with a region
   * @return [side, side], 1 inside and 0 outside
   * @throws IllegalArgumentException if nothing is left of it
   */
  static float[] mask(Image image, int side) {
    Region region = image.region().get();
    boolean[] inside = region.inside(image.width(), image.height());
    float[] mask = new float[inside.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = inside[i] ? 1 : 0;
    }
    float[] resized =
        Interpolation.resize(
            mask, 1, image.height(), image.width(), side, side, Resampling.NEAREST, false);
    for (float value : resized) {
      if (value > 0) {
        return resized;
      }
    }
    throw new IllegalArgumentException(
        String.format(
            "the region is too small: nothing is left of it when the picture of %d x %d is reduced"
                + " to the model's %d x %d",
            image.width(), image.height(), side, side));
  }
}

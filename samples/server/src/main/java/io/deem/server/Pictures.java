package io.deem.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.Region;
import io.deem.spi.ImageCodec;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/** Pictures as requests carry them. */
@Component
class Pictures {

  private static final Duration LONGEST_FETCH = Duration.ofSeconds(10);
  private static final int MOST_CORNERS = 1000;

  private final long pixels;
  private final long bytes;
  private final Set<String> remoteHosts;
  private final HttpClient remote = HttpClient.newBuilder().connectTimeout(LONGEST_FETCH).build();

  Pictures(DeemProperties properties) {
    pixels = properties.pixels();
    bytes = properties.bodyBytes();
    remoteHosts = Set.copyOf(properties.remoteHosts());
  }

  /** Of one request, whose pictures have so many pixels together at most. */
  final class Reader {
    private long left = pixels;

    /**
     * A picture.
     *
     * @param param where the request names it
     * @param url a data URL in base64, or an address on one of the hosts that are allowed
     * @throws RequestException if it is neither, or no picture within the limits
     */
    Image read(String param, String url) {
      if (url == null || url.isBlank()) {
        throw RequestException.invalid(param, param + " must be a picture");
      }
      if (left <= 0) {
        throw RequestException.invalid(
            param, "the pictures before " + param + " have the " + pixels + " pixels allowed");
      }
      try (InputStream encoded =
          url.startsWith("data:") ? decoded(param, url) : fetched(param, url)) {
        Image image = Image.read(encoded, new ImageCodec.Limits(left, bytes));
        left -= (long) image.width() * image.height();
        return image;
      } catch (ImageFormatException e) {
        throw RequestException.invalid(param, param + ": " + e.getMessage());
      } catch (IOException e) {
        throw RequestException.invalid(param, param + " cannot be fetched");
      }
    }
  }

  /** For the pictures of one request. */
  Reader reader() {
    return new Reader();
  }

  private static InputStream decoded(String param, String url) {
    int comma = url.indexOf(',');
    if (comma < 0 || !url.substring(0, comma).toLowerCase(Locale.ROOT).endsWith(";base64")) {
      throw RequestException.invalid(param, param + " must be a data URL in base64");
    }
    try {
      return new ByteArrayInputStream(Base64.getDecoder().decode(url.substring(comma + 1)));
    } catch (IllegalArgumentException e) {
      throw RequestException.invalid(
          param, param + " is not valid base64; it may have been cut short");
    }
  }

  /** Redirects are not followed: they could lead to a host that is not allowed. */
  private InputStream fetched(String param, String url) throws IOException {
    URI address = address(url);
    if (address == null || !remoteHosts.contains(address.getAuthority())) {
      throw RequestException.invalid(
          param,
          param
              + " must be a data URL"
              + (remoteHosts.isEmpty()
                  ? ": this server fetches no pictures"
                  : ", or an address on a host from which this server fetches pictures"));
    }
    try {
      HttpResponse<InputStream> response =
          remote.send(
              HttpRequest.newBuilder(address).timeout(LONGEST_FETCH).build(),
              HttpResponse.BodyHandlers.ofInputStream());
      // The request's own limit ends with the header; a body may come as slowly as it likes.
      CompletableFuture.delayedExecutor(LONGEST_FETCH.toSeconds(), TimeUnit.SECONDS)
          .execute(() -> close(response.body()));
      if (response.statusCode() != 200) {
        response.body().close();
        throw new IOException("status " + response.statusCode());
      }
      return response.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** An address of a host in the web, or null. */
  private static URI address(String url) {
    try {
      URI address = new URI(url);
      String scheme = address.getScheme();
      boolean web = "https".equals(scheme) || "http".equals(scheme);
      return web && address.getAuthority() != null ? address : null;
    } catch (URISyntaxException e) {
      return null;
    }
  }

  private static void close(InputStream stream) {
    try {
      stream.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A picture with the region that a request marks in it.
   *
   * @param corners x and y of each corner of a polygon, in pixels, one after the other; or nothing
   */
  static Image marked(Image image, JsonNode corners) {
    if (corners == null || corners.isNull()) {
      return image;
    }
    if (!corners.isArray() || corners.size() < 6 || corners.size() > 2 * MOST_CORNERS) {
      throw RequestException.invalid(
          "region", "region must be x and y of 3 to " + MOST_CORNERS + " corners, in pixels");
    }
    double[] coordinates = new double[corners.size()];
    for (int i = 0; i < coordinates.length; i++) {
      if (!corners.get(i).isNumber()) {
        throw RequestException.invalid("region", "region must hold numbers alone");
      }
      coordinates[i] = corners.get(i).doubleValue();
    }
    try {
      return image.region(Region.polygon(coordinates));
    } catch (IllegalArgumentException e) {
      throw RequestException.invalid("region", "region: " + e.getMessage());
    }
  }

  /** A picture as a data URL. */
  static String dataUrl(Image image) {
    return "data:image/png;base64," + base64(image);
  }

  /** A picture as PNG in base64. */
  static String base64(Image image) {
    return Base64.getEncoder().encodeToString(image.toPng());
  }
}

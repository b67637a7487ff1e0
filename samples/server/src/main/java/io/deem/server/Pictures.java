package io.deem.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.Region;
import io.deem.spi.ImageCodec;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import org.springframework.stereotype.Component;

/** Pictures as requests carry them. */
@Component
class Pictures {

  private static final Duration LONGEST_FETCH = Duration.ofSeconds(10);
  private static final int MOST_CORNERS = 1000;

  private final ImageCodec.Limits limits;
  private final HttpClient remote;

  Pictures(DeemProperties properties) {
    limits = new ImageCodec.Limits(properties.pixels(), properties.bodyBytes());
    remote =
        properties.remotePictures()
            ? HttpClient.newBuilder().connectTimeout(LONGEST_FETCH).build()
            : null;
  }

  /**
   * A picture.
   *
   * @param param where the request names it
   * @param url a data URL in base64, or, if that is allowed, an address
   * @throws RequestException if it is neither, or no picture within the limits
   */
  Image read(String param, String url) {
    if (url == null || url.isBlank()) {
      throw RequestException.invalid(param, param + " must be a picture");
    }
    try (InputStream bytes = url.startsWith("data:") ? decoded(param, url) : fetched(param, url)) {
      return Image.read(bytes, limits);
    } catch (ImageFormatException e) {
      throw RequestException.invalid(param, param + ": " + e.getMessage());
    } catch (IOException e) {
      throw RequestException.invalid(param, param + " cannot be fetched");
    }
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

  private InputStream fetched(String param, String url) throws IOException {
    if (remote == null) {
      throw RequestException.invalid(
          param, param + " must be a data URL: this server fetches no pictures");
    }
    try {
      HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(LONGEST_FETCH).build();
      return remote.send(request, HttpResponse.BodyHandlers.ofInputStream()).body();
    } catch (IllegalArgumentException e) {
      throw RequestException.invalid(param, param + " is no address");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
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

package io.deem.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.net.httpserver.HttpServer;
import io.deem.Image;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pictures that are fetched: from hosts that are named, and from no other. */
class PicturesTest {

  private HttpServer host;
  private String authority;

  @BeforeEach
  void start() throws IOException {
    host = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    authority = "127.0.0.1:" + host.getAddress().getPort();
    byte[] picture = TestPictures.disc();
    host.createContext(
        "/disc.png",
        exchange -> {
          exchange.sendResponseHeaders(200, picture.length);
          exchange.getResponseBody().write(picture);
          exchange.close();
        });
    host.createContext(
        "/moved.png",
        exchange -> {
          exchange.getResponseHeaders().set("Location", "/disc.png");
          exchange.sendResponseHeaders(302, -1);
          exchange.close();
        });
    host.createContext(
        "/large.png",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          byte[] some = new byte[10_000];
          try (exchange) {
            while (true) {
              exchange.getResponseBody().write(some);
            }
          } catch (IOException e) {
            // The server has read enough.
          }
        });
    host.start();
  }

  @AfterEach
  void stop() {
    host.stop(0);
  }

  private static Pictures.Reader reader(String... hosts) {
    return new Pictures(
            new DeemProperties(
                "",
                0,
                "auto",
                1,
                1,
                Duration.ofSeconds(60),
                0,
                1,
                List.of(),
                100_000,
                10_000,
                List.of(hosts),
                1))
        .reader();
  }

  private static void assertRefused(String message, Pictures.Reader reader, String url) {
    RequestException failure =
        assertThrows(RequestException.class, () -> reader.read("image", url));
    assertEquals(message, failure.getMessage());
  }

  @Test
  void namedHostIsAsked() throws IOException {
    assertEquals(
        Image.read(new ByteArrayInputStream(TestPictures.disc())),
        reader("example.com", authority).read("image", "http://" + authority + "/disc.png"));
  }

  @Test
  void noHostIsAskedUnlessNamed() {
    assertRefused(
        "image must be a data URL: this server fetches no pictures",
        reader(),
        "http://" + authority + "/disc.png");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://HOST@example.org/disc.png",
        "http://me@HOST/disc.png",
        "http://127.0.0.1/disc.png",
        "file://HOST/disc.png",
        "ftp://HOST/disc.png",
        "http:/disc.png",
        "disc.png",
        "http://HOST /disc.png"
      })
  void otherAddressesAreRefused(String url) {
    assertRefused(
        "image must be a data URL, or an address on a host from which this server fetches pictures",
        reader(authority),
        url.replace("HOST", authority));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/moved.png", "/none.png"})
  void whatIsNotThereIsNotSoughtElsewhere(String path) {
    assertRefused("image cannot be fetched", reader(authority), "http://" + authority + path);
  }

  @Test
  void endlessPictureIsCutOff() {
    assertRefused(
        "image: image has more than the 100000 bytes allowed",
        reader(authority),
        "http://" + authority + "/large.png");
  }

  @Test
  void picturesOfOneRequestHaveSoManyPixelsTogether() {
    Pictures.Reader reader = reader();
    reader.read("first", TestPictures.dataUrl());
    reader.read("second", TestPictures.dataUrl());
    assertRefused(
        "image: PNG image of 64 x 64 pixels is over the limit of 1808",
        reader,
        TestPictures.dataUrl());
  }
}

package io.deem.server;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.Request;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.BoundingBox;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.FilePayload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/**
 * The page in a real browser: the system's Chromium. Pictures of it are written to the folder that
 * the system property {@code deem.screenshots} names.
 */
@SpringBootTest(
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
    // A request that the page has given up still takes a moment of its place.
    properties = {"deem.requests-per-minute=0", "deem.queue=8", "logging.level.root=warn"})
class PageTest {
  private static final Pattern ANYTHING = Pattern.compile("\\w+");
  private static final double PATIENCE = 30_000;

  private static Playwright playwright;
  private static Browser browser;

  @LocalServerPort private int port;

  private Page page;
  private final List<String> complaints = new ArrayList<>();

  @BeforeAll
  static void start() {
    if (Chromium.isInstalled()) {
      playwright = Chromium.driver();
      browser = Chromium.launch(playwright);
    }
  }

  @AfterAll
  static void stop() {
    if (playwright != null) {
      playwright.close();
    }
  }

  @BeforeEach
  void open() {
    Chromium.require();
    page =
        browser.newPage(
            new Browser.NewPageOptions()
                .setViewportSize(1000, 900)
                .setColorScheme(ColorScheme.LIGHT));
    page.setDefaultTimeout(PATIENCE);
    page.onConsoleMessage(
        message -> {
          if (message.type().equals("error")) {
            complaints.add(message.text());
          }
        });
    page.onPageError(complaints::add);
    page.navigate("http://localhost:" + port + "/");
  }

  @AfterEach
  void close() {
    if (page != null) {
      page.close();
    }
    assertEquals(List.of(), complaints);
  }

  private static LocatorAssertions.ContainsTextOptions patiently() {
    return new LocatorAssertions.ContainsTextOptions().setTimeout(PATIENCE);
  }

  private void drop() throws IOException {
    Path pictures = Path.of("..", "quickstart", "pictures", "01-fluent.png");
    page.locator("#file")
        .setInputFiles(new FilePayload("picture.png", "image/png", Files.readAllBytes(pictures)));
    captionIsWhole();
  }

  private void captionIsWhole() {
    assertThat(page.locator("#caption[aria-busy=false]")).containsText(ANYTHING, patiently());
  }

  private void shoot(String name) {
    String folder = System.getProperty("deem.screenshots", "");
    if (!folder.isEmpty()) {
      page.screenshot(
          new Page.ScreenshotOptions().setPath(Path.of(folder, name)).setFullPage(true));
    }
  }

  @Test
  void seesAnswersRedrawsAndImagines() throws IOException {
    drop();
    page.locator("#question").fill("is there an apple ?");
    page.locator("#ask button").click();
    assertThat(page.locator("#answers strong[aria-busy=false]").first())
        .containsText(ANYTHING, patiently());
    page.locator("#redrawButton").click();
    assertThat(page.locator("#drawn"))
        .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(PATIENCE));
    assertThat(page.locator("#fidelityText")).containsText("%");
    page.locator("#text").fill("a red apple");
    page.locator("#imagine button").click();
    assertThat(page.locator("#imagination"))
        .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(PATIENCE));
    shoot("server-page.png");
  }

  @Test
  void regionIsMarkedByMouseAndKeyboard() throws IOException {
    drop();
    Locator canvas = page.locator("#canvas");
    canvas.scrollIntoViewIfNeeded();
    BoundingBox frame = canvas.boundingBox();
    page.mouse().move(frame.x + frame.width * 0.2, frame.y + frame.height * 0.2);
    page.mouse().down();
    page.mouse().move(frame.x + frame.width * 0.7, frame.y + frame.height * 0.6);
    page.mouse().up();
    assertThat(page.locator("#whole")).isVisible();
    captionIsWhole();
    page.locator("#question").fill("is there an apple ?");
    page.locator("#ask button").click();
    assertThat(page.locator("#answers .asked").first()).containsText("(marked region)");
    assertThat(page.locator("#answers strong[aria-busy=false]").first())
        .containsText(ANYTHING, patiently());

    canvas.focus();
    page.keyboard().press("Escape");
    assertThat(page.locator("#whole")).isHidden();
    page.keyboard().press("ArrowRight");
    assertThat(page.locator("#whole")).isVisible();
  }

  @Test
  void everythingIsDoneByTheKeyboardAlone() throws IOException {
    drop();
    String seen = page.locator("#caption").textContent();
    page.locator("#file").focus();
    tabTo("canvas");
    press("ArrowRight", "Shift+ArrowDown");
    assertThat(page.locator("#region")).containsText("Marked: from 27 % to 77 % of the width");
    Request request = page.waitForRequest("**/api/describe", () -> press("Enter"));
    assertTrue(request.postData().contains("\"region\":["), "only the region is looked at");
    tabTo("whole");
    press("Space");
    assertThat(page.locator("#region")).isEmpty();
    assertThat(page.locator("#caption"))
        .hasText(seen, new LocatorAssertions.HasTextOptions().setTimeout(PATIENCE));
    tabTo("question");
    page.keyboard().type("is there an apple ?");
    press("Enter");
    assertThat(page.locator("#answers strong[aria-busy=false]").first())
        .containsText(ANYTHING, patiently());
    tabTo("redrawButton");
    press("Enter");
    assertThat(page.locator("#fidelityText")).containsText("%", patiently());
    tabTo("text");
    page.keyboard().type("a red apple");
    press("Enter");
    assertThat(page.locator("#imagination"))
        .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(PATIENCE));
    assertThat(page.locator("#imagination")).hasAttribute("alt", "Drawn from: a red apple");
  }

  private void press(String... keys) {
    for (String key : keys) {
      page.keyboard().press(key);
    }
  }

  /** Goes on from element to element, as the tabulator leads. */
  private void tabTo(String id) {
    for (int i = 0; i < 10; i++) {
      press("Tab");
      if (page.evaluate("document.activeElement.id").equals(id)) {
        return;
      }
    }
    fail("the tabulator does not lead to " + id);
  }

  /** What the server sends step by step is shown step by step. */
  @Test
  void captionGrowsAndProgressIsShown() throws IOException {
    // What is set, also where the browser draws several steps at once.
    page.evaluate(
        "() => { const watch = (element, name, prototype, seen) => {"
            + " const usual = Object.getOwnPropertyDescriptor(prototype, name);"
            + " Object.defineProperty(element, name, { get: usual.get,"
            + " set(value) { seen.push(value); usual.set.call(this, value); } }); };"
            + " watch(caption, 'textContent', Node.prototype, window.captions = []);"
            + " watch(imagineProgress, 'value', HTMLProgressElement.prototype,"
            + " window.shares = []); }");
    drop();
    page.locator("#text").fill("a red apple");
    page.locator("#imagine button").click();
    assertThat(page.locator("#imagination"))
        .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(PATIENCE));
    String whole = page.locator("#caption").textContent();
    List<?> captions = (List<?>) page.evaluate("captions");
    assertTrue(
        captions.stream()
                .map(Object::toString)
                .filter(each -> !each.isEmpty() && each.length() < whole.length())
                .filter(whole::startsWith)
                .distinct()
                .count()
            >= 2,
        captions.toString());
    Object grows =
        page.evaluate(
            "shares.every((v, i) => i === 0 || v >= shares[i - 1]) && new Set(shares).size >= 10");
    assertEquals(true, grows, () -> page.evaluate("shares").toString());
    assertThat(page.locator("#imagineProgress")).isHidden();
  }

  @Test
  void comesAgainWhenTheServerIsBusy() throws IOException {
    page.route(
        "**/api/describe",
        route ->
            route.fulfill(
                new Route.FulfillOptions()
                    .setStatus(429)
                    .setHeaders(Map.of("Retry-After", "1"))
                    .setBody("{\"error\": {\"message\": \"busy\"}}")),
        new Page.RouteOptions().setTimes(1));
    drop();
    assertThat(page.locator("#busy")).isEmpty();
    assertThat(page.locator("#error")).isHidden();
    assertEquals(1, complaints.size(), "Chromium complains of the status");
    complaints.clear();
  }

  @Test
  void fitsAPhoneInTheDark() throws IOException {
    page.setViewportSize(360, 740);
    page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
    drop();
    int width = (int) page.evaluate("document.documentElement.scrollWidth");
    assertTrue(width <= 360, "the page is " + width + " pixels wide");
    Object edges =
        page.evaluate(
            "[...new Set([...document.querySelectorAll('section')].map("
                + "each => Math.round(each.getBoundingClientRect().right)))]");
    assertEquals(List.of(344), edges, "the cards end at the same margin");
    shoot("server-page-phone.png");
  }

  @Test
  void everythingHasANameForAScreenReader() {
    Object nameless =
        page.evaluate(
            "[...document.querySelectorAll('input, button, progress, meter, canvas')].filter("
                + "e => !e.labels?.length && !e.getAttribute('aria-label') &&"
                + " !e.textContent.trim()).map(e => e.outerHTML)");
    assertEquals(List.of(), nameless);
  }

  @Test
  void whatIsNoPictureIsSaid() {
    page.locator("#file")
        .setInputFiles(new FilePayload("x.png", "image/png", new byte[] {1, 2, 3}));
    assertThat(page.locator("#error")).containsText("not a picture");
  }
}

package io.deem.server;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The page of a server that wants keys. */
@LimitedServer
class PageKeyTest {

  @LocalServerPort private int port;

  @Test
  void asksForAKeyUntilItIsRight() {
    Chromium.require();
    try (Playwright playwright = Chromium.driver();
        Browser browser = Chromium.launch(playwright)) {
      Page page = browser.newPage();
      page.navigate("http://localhost:" + port + "/");
      assertThat(page.locator("#key")).isFocused();
      assertThat(page.locator("#error")).hasText("enter the server's key first");
      page.keyboard().type("wrong");
      page.keyboard().press("Enter");
      assertThat(page.locator("#error")).hasText("this key is not valid");
      page.locator("#key").fill("right");
      page.keyboard().press("Enter");
      assertThat(page.locator("#keyForm")).isHidden();
      assertThat(page.locator("#model")).containsText("deem-mini");
      page.reload();
      assertThat(page.locator("#model")).containsText("deem-mini");
    }
  }
}

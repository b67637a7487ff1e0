package io.deem.android;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Color;
import android.net.Uri;
import android.os.Looper;
import android.view.MotionEvent;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.EditText;
import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Image;
import io.deem.Region;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** The activity on Android's own classes, with the small model that the project carries. */
@RunWith(RobolectricTestRunner.class)
@Config(application = TestApplication.class, qualifiers = "w400dp-h800dp-port-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public class EyesActivityTest {

  private static final Path PICTURE = Paths.get("../quickstart/pictures/01-fluent.png");
  private static final long PATIENCE_MINUTES = 5;
  private static final int THRESHOLD = 40;

  private ActivityController<EyesActivity> controller;
  private TestApplication application;

  @Before
  public void start() {
    application = (TestApplication) RuntimeEnvironment.getApplication();
  }

  @After
  public void end() {
    application.eyes().close();
    if (controller != null) {
      controller.pause().stop().destroy();
    }
  }

  private Eyes eyes() {
    return application.eyes();
  }

  private Scene scene() {
    return eyes().scene();
  }

  /** Lets the main thread do what it is given until something holds. */
  private static void await(BooleanSupplier holds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(PATIENCE_MINUTES);
    while (!holds.getAsBoolean()) {
      assertTrue("waited for " + PATIENCE_MINUTES + " minutes", System.nanoTime() < end);
      Thread.sleep(5);
      Shadows.shadowOf(Looper.getMainLooper()).idle();
    }
  }

  private void open(byte[] content) {
    Uri uri = Uri.parse("content://pictures/1");
    Shadows.shadowOf(application.getContentResolver())
        .registerInputStreamSupplier(uri, () -> new ByteArrayInputStream(content));
    Intent intent = new Intent(Intent.ACTION_SEND).putExtra(Intent.EXTRA_STREAM, uri);
    controller = Robolectric.buildActivity(EyesActivity.class, intent).setup();
  }

  private void openPicture() throws Exception {
    open(Files.readAllBytes(PICTURE));
  }

  private static <T extends View> List<T> views(View in, Class<T> type) {
    List<T> found = new ArrayList<>();
    if (type.isInstance(in)) {
      found.add(type.cast(in));
    }
    if (in instanceof ViewGroup group) {
      for (int i = 0; i < group.getChildCount(); i++) {
        found.addAll(views(group.getChildAt(i), type));
      }
    }
    return found;
  }

  private View screen() {
    return controller.get().getWindow().getDecorView();
  }

  private Button button(String label) {
    return views(screen(), Button.class).stream()
        .filter(each -> label.contentEquals(each.getText()))
        .findFirst()
        .get();
  }

  private void ask(String question) {
    views(screen(), EditText.class).get(0).setText(question);
    button("Ask").performClick();
  }

  private static Deem model() throws IOException {
    return Deem.open(
        ExportedMini.folder().toPath(), DeemOptions.defaults().withRuntime("exported"));
  }

  @Test
  public void describesAPictureAndAnswersAboutIt() throws Exception {
    openPicture();
    await(() -> !scene().busy());
    ask("What color is the snake?");
    await(() -> !scene().busy());
    Image picture = Image.read(PICTURE);
    try (Deem deem = model()) {
      assertEquals(deem.perceiver().describe(picture).text(), scene().caption());
      String answer = deem.perceiver().ask(picture, "What color is the snake?").text();
      assertEquals(1, scene().answers().size());
      String shown = scene().answers().get(0);
      assertTrue(shown, shown.startsWith("What color is the snake?\n" + answer + " ("));
      assertTrue(shown, shown.endsWith(" %)"));
    }
    assertEquals("", scene().status());
    PictureView view = views(screen(), PictureView.class).get(0);
    assertEquals("Picture: " + scene().caption(), view.getContentDescription().toString());
  }

  @Test
  public void aFingerDrawsTheRegion() throws Exception {
    openPicture();
    await(() -> !scene().busy());
    PictureView view = views(screen(), PictureView.class).get(0);
    float width = view.getWidth();
    float height = view.getHeight();
    assertTrue(width > 0 && height > 0);
    touch(view, MotionEvent.ACTION_DOWN, 0.3f * width, 0.4f * height);
    touch(view, MotionEvent.ACTION_MOVE, 0.7f * width, 0.4f * height);
    touch(view, MotionEvent.ACTION_MOVE, 0.7f * width, 0.6f * height);
    touch(view, MotionEvent.ACTION_UP, -50, 0.6f * height);
    assertNotNull(scene().outline());
    for (int i = 0; i < scene().outline().length; i += 2) {
      assertTrue(scene().outline()[i] >= 0 && scene().outline()[i] <= scene().picture().width());
    }
    await(() -> !scene().busy());
    Image part = Image.read(PICTURE).region(Region.polygon(scene().outline()));
    try (Deem deem = model()) {
      assertEquals(deem.perceiver().describe(part).text(), scene().caption());
    }
    assertTrue("the line is on the screen", has(draw(), Color.rgb(0xff, 0x6f, 0)));
    // A tap is about the whole picture again.
    touch(view, MotionEvent.ACTION_DOWN, 100, 100);
    touch(view, MotionEvent.ACTION_UP, 101, 100);
    assertNull(scene().outline());
    await(() -> !scene().busy());
  }

  @Test
  public void aLineThatEnclosesNothingIsSaidToBeSo() throws Exception {
    openPicture();
    await(() -> !scene().busy());
    eyes().look(new double[] {1, 1, 5, 5, 9, 9});
    await(() -> !scene().busy());
    assertTrue(scene().status(), scene().status().contains("has no pixel of the picture"));
  }

  @Test
  public void theDeviceIsTurnedWhileTheModelWorks() throws Exception {
    openPicture();
    await(() -> scene().busy() && !scene().caption().isEmpty());
    EyesActivity before = controller.get();
    RuntimeEnvironment.setQualifiers("w800dp-h400dp-land-xhdpi");
    controller.configurationChange();
    assertNotSame(before, controller.get());
    await(() -> !scene().busy());
    try (Deem deem = model()) {
      assertEquals(deem.perceiver().describe(Image.read(PICTURE)).text(), scene().caption());
    }
    PictureView view = views(screen(), PictureView.class).get(0);
    assertEquals("Picture: " + scene().caption(), view.getContentDescription().toString());
    View old = before.getWindow().getDecorView();
    PictureView gone = views(old, PictureView.class).get(0);
    assertFalse(
        "an activity that is gone hears of nothing",
        view.getContentDescription().toString().contentEquals(gone.getContentDescription()));
  }

  @Test
  public void memoryIsGivenBackAndTakenAgain() throws Exception {
    openPicture();
    await(() -> !scene().busy());
    String caption = scene().caption();
    application.onLowMemory();
    application.onTrimMemory(android.content.ComponentCallbacks2.TRIM_MEMORY_BACKGROUND);
    eyes().look(null);
    application.onLowMemory();
    await(() -> !scene().busy());
    assertEquals(caption, scene().caption());
    assertEquals("", scene().status());
  }

  @Test
  public void whatRunsCanBeStopped() throws Exception {
    openPicture();
    await(() -> scene().busy() && !scene().caption().isEmpty());
    button("Stop").performClick();
    await(() -> !scene().busy());
    assertEquals("Stopped", scene().status());
    assertFalse(button("Stop").isEnabled());
  }

  @Test
  public void whatIsNoPictureIsSaidToBeNone() throws Exception {
    open("no picture".getBytes(StandardCharsets.UTF_8));
    await(() -> !scene().busy());
    assertEquals("not a JPEG, PNG, WebP, GIF or BMP image", scene().status());
    assertFalse(button("Ask").isEnabled());
  }

  /** The picture for the documents; {@code -Ddeem.screenshots=FOLDER} keeps it. */
  @Test
  public void theScreenIsDrawn() throws Exception {
    openPicture();
    await(() -> !scene().busy());
    eyes().look(new double[] {118, 66, 165, 50, 214, 54, 214, 104, 192, 134, 124, 112});
    await(() -> !scene().busy());
    ask("What color is the snake?");
    await(() -> !scene().busy());
    Bitmap drawn = draw();
    assertTrue("the picture is on the screen", coloured(drawn) > drawn.getWidth());
    String folder = System.getProperty("deem.screenshots", "");
    if (!folder.isEmpty()) {
      try (var file = Files.newOutputStream(Paths.get(folder, "android.png"))) {
        assertTrue(drawn.compress(Bitmap.CompressFormat.PNG, 100, file));
      }
    }
  }

  private static void touch(View view, int action, float x, float y) {
    MotionEvent event = MotionEvent.obtain(0, 0, action, x, y, 0);
    assertTrue(view.dispatchTouchEvent(event));
    event.recycle();
  }

  private Bitmap draw() {
    View view = screen();
    Bitmap drawn = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
    drawn.eraseColor(Color.WHITE);
    view.draw(new Canvas(drawn));
    return drawn;
  }

  private static boolean has(Bitmap drawn, int colour) {
    for (int colourThere : pixels(drawn)) {
      if (colourThere == colour) {
        return true;
      }
    }
    return false;
  }

  /** Pixels that are no grey. */
  private static int coloured(Bitmap drawn) {
    int coloured = 0;
    for (int colour : pixels(drawn)) {
      coloured += Math.abs(Color.red(colour) - Color.blue(colour)) > THRESHOLD ? 1 : 0;
    }
    return coloured;
  }

  private static int[] pixels(Bitmap drawn) {
    int[] pixels = new int[drawn.getWidth() * drawn.getHeight()];
    drawn.getPixels(pixels, 0, drawn.getWidth(), 0, 0, drawn.getWidth(), drawn.getHeight());
    return pixels;
  }
}

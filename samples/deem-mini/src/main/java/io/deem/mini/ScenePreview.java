package io.deem.mini;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * Draws 48 scenes with caption and a question each on one sheet, to look at.
 *
 * <pre>{@code
 * java io.deem.mini.ScenePreview samples/deem-mini/data/emoji scenes.png
 * java io.deem.mini.ScenePreview samples/deem-mini/data/emoji scenes.png openmoji
 * }</pre>
 */
public final class ScenePreview {

  private static final int COLUMNS = 8;
  private static final int ROWS = 6;
  private static final int SHOWN = 192;
  private static final int TEXT = 62;
  private static final int GAP = 8;

  private ScenePreview() {}

  /**
   * Writes the sheet.
   *
   * @param args corpus folder, PNG file to write, and optionally a style to show as evaluation
   *     does; without it the sheet shows training scenes
   * @throws IOException if the corpus cannot be read or the sheet not written
   */
  public static void main(String[] args) throws IOException {
    if (args.length < 2 || args.length > 3) {
      throw new IllegalArgumentException("Usage: ScenePreview CORPUS_FOLDER SHEET.png [STYLE]");
    }
    Path folder = Path.of(args[0]);
    List<EmojiStyle> styles =
        args.length == 3 ? List.of(EmojiStyle.of(args[2])) : EmojiStyle.trainedStyles();
    EmojiCorpus corpus = EmojiCorpus.open(folder, styles);
    Vocabulary vocabulary =
        Vocabulary.of(corpus.concepts().select(folder.resolve("vocabulary.txt")));
    SceneGenerator scenes =
        args.length == 3
            ? SceneGenerator.evaluation(
                1, corpus, styles.get(0), vocabulary, SceneConfig.standard())
            : SceneGenerator.training(1, corpus, vocabulary, SceneConfig.training());
    BufferedImage sheet = draw(scenes, new Captions(1), new Questions(vocabulary, 1));
    if (!ImageIO.write(sheet, "png", Path.of(args[1]).toFile())) {
      throw new IOException("No PNG writer for " + args[1]);
    }
  }

  private static BufferedImage draw(SceneGenerator scenes, Captions captions, Questions questions) {
    BufferedImage sheet =
        new BufferedImage(
            COLUMNS * (SHOWN + GAP), ROWS * (SHOWN + TEXT), BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = sheet.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
    graphics.setColor(Color.BLACK);
    graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
      Scene scene = scenes.scene(i);
      int x = i % COLUMNS * (SHOWN + GAP);
      int y = i / COLUMNS * (SHOWN + TEXT);
      graphics.drawImage(scene.picture().toBufferedImage(), x, y, SHOWN, SHOWN, null);
      Question question = questions.draw(scene, 1).get(0);
      int below = write(graphics, captions.caption(scene), x, y + SHOWN + 12);
      write(graphics, question.text() + " " + question.answer(), x, below);
    }
    graphics.dispose();
    return sheet;
  }

  /** Writes a text in lines no wider than a scene, and returns where the next line goes. */
  private static int write(Graphics2D graphics, String text, int x, int y) {
    FontMetrics metrics = graphics.getFontMetrics();
    StringBuilder line = new StringBuilder();
    int at = y;
    for (String word : List.of(text.split(" "))) {
      if (metrics.stringWidth(line + " " + word) > SHOWN) {
        graphics.drawString(line.toString(), x, at);
        at += metrics.getHeight();
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    graphics.drawString(line.toString(), x, at);
    return at + metrics.getHeight();
  }
}

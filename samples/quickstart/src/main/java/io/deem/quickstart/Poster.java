package io.deem.quickstart;

import io.deem.Image;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.RoundRectangle2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/**
 * Draws what was seen: two columns of cards, each with picture, redraw, caption, fidelity and
 * answers. Lengths are in units of the page, of which {@link #SCALE} pixels are one.
 */
final class Poster {

  static final int SCALE = 2;
  static final int WIDTH = 1000;
  static final int HEADER = 64;
  static final int FOOTER = 34;
  static final int MARGIN = 16;
  static final int GAP = 12;
  static final int PADDING = 14;
  static final int PICTURE = 138;
  static final int LINE = 20;

  private static final int COLUMNS = 2;
  private static final int CARD = (WIDTH - 2 * MARGIN - GAP) / COLUMNS;
  private static final int LABEL = 18;

  private static final Color PAGE = new Color(0xf3f4f6);
  private static final Color EDGE = new Color(0xd5d9df);
  private static final Color INK = new Color(0x1c2430);
  private static final Color QUIET = new Color(0x5b6573);
  private static final Color RIGHT = new Color(0x1a7f4b);
  private static final Color WRONG = new Color(0xb3261e);
  private static final Color BAR = new Color(0x2f6fb7);

  private static final String TITLE = "deem-mini, shown styles that it was never trained on";
  private static final String CREDITS =
      "Emoji artwork: Fluent Emoji, Microsoft, MIT. OpenMoji, openmoji.org, CC BY-SA 4.0. "
          + "Composed into scenes.";

  private final Graphics2D graphics;

  private Poster(Graphics2D graphics) {
    this.graphics = graphics;
  }

  /** Writes the poster as a PNG file, making its folder if need be. */
  static void write(List<Sight> sights, Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    if (!ImageIO.write(draw(sights), "png", file.toFile())) {
      throw new IOException(file + ": this Java cannot write PNG files");
    }
  }

  private static BufferedImage draw(List<Sight> sights) {
    int questions = sights.stream().mapToInt(sight -> sight.replies().size()).max().orElse(0);
    int card = cardHeight(questions);
    int rows = (sights.size() + COLUMNS - 1) / COLUMNS;
    int height = HEADER + rows * (card + GAP) + FOOTER;
    BufferedImage page =
        new BufferedImage(WIDTH * SCALE, height * SCALE, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = page.createGraphics();
    graphics.scale(SCALE, SCALE);
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setRenderingHint(
        RenderingHints.KEY_FRACTIONALMETRICS, RenderingHints.VALUE_FRACTIONALMETRICS_ON);
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    graphics.setColor(PAGE);
    graphics.fillRect(0, 0, WIDTH, height);
    Poster poster = new Poster(graphics);
    poster.text(TITLE, MARGIN, 40, CARD + 150, 20, Font.BOLD, INK);
    poster.textBefore(Sight.score(sights), WIDTH - MARGIN, 40, 16, INK);
    for (int i = 0; i < sights.size(); i++) {
      int x = MARGIN + i % COLUMNS * (CARD + GAP);
      int y = HEADER + i / COLUMNS * (card + GAP);
      poster.card(sights.get(i), x, y, card);
    }
    poster.text(CREDITS, MARGIN, height - 16, WIDTH - 2 * MARGIN, 10.5f, Font.PLAIN, QUIET);
    graphics.dispose();
    return page;
  }

  /** The height of a card with room for so many answers. */
  static int cardHeight(int questions) {
    return PADDING + PICTURE + LABEL + questions * LINE + PADDING;
  }

  private void card(Sight sight, int x, int y, int height) {
    RoundRectangle2D card =
        new RoundRectangle2D.Double(x + 0.5, y + 0.5, CARD - 1, height - 1, 10, 10);
    graphics.setColor(Color.WHITE);
    graphics.fill(card);
    graphics.setColor(EDGE);
    graphics.setStroke(new BasicStroke(1));
    graphics.draw(card);
    int left = x + PADDING;
    int top = y + PADDING;
    int second = left + PICTURE + 8;
    picture(sight.picture(), "picture", left, top);
    picture(sight.redraw(), "redrawn from what it saw", second, top);
    int beside = second + PICTURE + 14;
    beside(sight, beside, top, x + CARD - PADDING - beside);
    int line = top + PICTURE + LABEL + 15;
    for (Sight.Reply reply : sight.replies()) {
      reply(reply, left, line, CARD - 2 * PADDING);
      line += LINE;
    }
  }

  private void picture(Image image, String label, int x, int y) {
    graphics.drawImage(toBufferedImage(image), x, y, PICTURE, PICTURE, null);
    graphics.setColor(EDGE);
    graphics.setStroke(new BasicStroke(1));
    graphics.drawRect(x, y, PICTURE - 1, PICTURE - 1);
    text(label, x, y + PICTURE + 12, PICTURE, 10, Font.PLAIN, QUIET);
  }

  /** Name, caption and fidelity, in the column beside the pictures. */
  private void beside(Sight sight, int x, int y, int width) {
    text(sight.name().replaceAll(".*/", ""), x, y + 9, width, 10.5f, Font.PLAIN, QUIET);
    paragraph(sight.caption(), x, y + 29, width, 5);
    int bar = y + PICTURE - 8;
    text(
        String.format(Locale.ROOT, "fidelity %.2f", sight.fidelity()),
        x,
        bar - 7,
        width,
        11,
        Font.PLAIN,
        INK);
    graphics.setColor(EDGE);
    graphics.fill(new RoundRectangle2D.Double(x, bar, width, 8, 8, 8));
    double filled = width * Math.max(0, Math.min(1, sight.fidelity()));
    graphics.setColor(BAR);
    graphics.fill(new RoundRectangle2D.Double(x, bar, filled, 8, 8, 8));
  }

  /** A sign, the question, and the answer at the right edge. */
  private void reply(Sight.Reply reply, int x, int y, int width) {
    sign(reply.right(), x, y - 11);
    int answer = textBefore(reply.verdict(), x + width, y, 11.5f, reply.right() ? RIGHT : WRONG);
    text(reply.question().text(), x + 20, y, width - answer - 30, 11.5f, Font.PLAIN, INK);
  }

  /** A tick in a full circle, or a cross in an empty one: told apart without colours too. */
  private void sign(boolean right, int x, int y) {
    graphics.setColor(right ? RIGHT : WRONG);
    graphics.setStroke(new BasicStroke(1.6f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    Ellipse2D circle = new Ellipse2D.Double(x + 0.5, y + 0.5, 13, 13);
    Path2D mark = new Path2D.Double();
    if (right) {
      graphics.fill(circle);
      graphics.setColor(Color.WHITE);
      mark.moveTo(x + 4, y + 7.3);
      mark.lineTo(x + 6.2, y + 9.7);
      mark.lineTo(x + 10, y + 4.6);
    } else {
      graphics.draw(circle);
      mark.moveTo(x + 4.6, y + 4.6);
      mark.lineTo(x + 9.4, y + 9.4);
      mark.moveTo(x + 9.4, y + 4.6);
      mark.lineTo(x + 4.6, y + 9.4);
    }
    graphics.draw(mark);
  }

  /** Writes words in lines; what does not fit is replaced by an ellipsis. */
  private void paragraph(String text, int x, int y, int width, int lines) {
    graphics.setFont(font(12.5f, Font.BOLD));
    graphics.setColor(INK);
    FontMetrics metrics = graphics.getFontMetrics();
    String line = "";
    int written = 0;
    for (String word : List.of(text.strip().split("\\s+"))) {
      String longer = line.isEmpty() ? word : line + " " + word;
      if (line.isEmpty() || metrics.stringWidth(longer) <= width) {
        line = longer;
      } else if (written < lines - 1) {
        graphics.drawString(line, x, y + 16 * written++);
        line = word;
      } else {
        line += "\u2026";
        break;
      }
    }
    graphics.drawString(line, x, y + 16 * written);
  }

  /** Writes a line, in smaller letters where it would be wider than allowed. */
  private void text(String text, int x, int y, int width, float size, int style, Color color) {
    graphics.setFont(font(size, style));
    double needed = graphics.getFontMetrics().stringWidth(text);
    if (needed > width) {
      graphics.setFont(font((float) (size * width / needed), style));
    }
    graphics.setColor(color);
    graphics.drawString(text, x, y);
  }

  /** Writes a bold line that ends at {@code right}, and returns its width. */
  private int textBefore(String text, int right, int y, float size, Color color) {
    graphics.setFont(font(size, Font.BOLD));
    int width = graphics.getFontMetrics().stringWidth(text);
    graphics.setColor(color);
    graphics.drawString(text, right - width, y);
    return width;
  }

  private static Font font(float size, int style) {
    return new Font(Font.SANS_SERIF, style, 1).deriveFont(size);
  }

  private static BufferedImage toBufferedImage(Image image) {
    BufferedImage copy =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        copy.setRGB(x, y, image.rgb(x, y));
      }
    }
    return copy;
  }
}

package io.deem.android;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Matrix;
import android.graphics.Paint;
import android.graphics.Path;
import android.graphics.RectF;
import android.view.MotionEvent;
import android.view.View;
import java.util.ArrayList;
import java.util.List;

/** Shows a picture as large as it fits, and lets a finger draw a line around a part of it. */
final class PictureView extends View {

  /** A line that encloses less, in pixels of the screen, is a tap. */
  private static final float LEAST_EXTENT = 24;

  private static final int FEWEST_CORNERS = 3;
  private static final int LINE = 0xffff6f00;
  private static final int FILL = 0x33ff6f00;
  private static final float LINE_WIDTH = 6;

  /** Is told what a finger drew. */
  interface OutlineListener {
    /**
     * Called when the finger is lifted.
     *
     * @param outline see {@link Scene#outline}; null after a tap
     */
    void onOutline(double[] outline);
  }

  private final Paint line = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final Paint fill = new Paint(Paint.ANTI_ALIAS_FLAG);
  private final Paint smooth = new Paint(Paint.FILTER_BITMAP_FLAG);
  private final Matrix toScreen = new Matrix();
  private final List<Float> drawn = new ArrayList<>();

  private Bitmap bitmap;
  private double[] outline;
  private OutlineListener listener = part -> {};

  PictureView(Context context) {
    super(context);
    line.setColor(LINE);
    line.setStyle(Paint.Style.STROKE);
    line.setStrokeWidth(LINE_WIDTH);
    fill.setColor(FILL);
    setFocusable(true);
  }

  void setOutlineListener(OutlineListener other) {
    listener = other;
  }

  /** Shows a picture with a part of it marked; each may be null. */
  void show(Bitmap picture, double[] part) {
    bitmap = picture;
    outline = part;
    place();
    invalidate();
  }

  private void place() {
    if (bitmap != null && getWidth() > 0) {
      toScreen.setRectToRect(
          new RectF(0, 0, bitmap.getWidth(), bitmap.getHeight()),
          new RectF(0, 0, getWidth(), getHeight()),
          Matrix.ScaleToFit.CENTER);
    }
  }

  @Override
  protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
    super.onSizeChanged(width, height, oldWidth, oldHeight);
    place();
  }

  @Override
  protected void onDraw(Canvas canvas) {
    super.onDraw(canvas);
    if (bitmap == null) {
      return;
    }
    canvas.drawBitmap(bitmap, toScreen, smooth);
    Path path = drawn.isEmpty() ? pathOf(outline) : pathOf(drawn);
    canvas.drawPath(path, fill);
    canvas.drawPath(path, line);
  }

  private Path pathOf(double[] corners) {
    List<Float> onScreen = new ArrayList<>();
    for (int i = 0; corners != null && i < corners.length; i += 2) {
      float[] point = {(float) corners[i], (float) corners[i + 1]};
      toScreen.mapPoints(point);
      onScreen.add(point[0]);
      onScreen.add(point[1]);
    }
    return pathOf(onScreen);
  }

  private static Path pathOf(List<Float> points) {
    Path path = new Path();
    for (int i = 0; i < points.size(); i += 2) {
      if (i == 0) {
        path.moveTo(points.get(0), points.get(1));
      } else {
        path.lineTo(points.get(i), points.get(i + 1));
      }
    }
    path.close();
    return path;
  }

  @Override
  public boolean onTouchEvent(MotionEvent event) {
    if (bitmap == null) {
      return super.onTouchEvent(event);
    }
    switch (event.getActionMasked()) {
      case MotionEvent.ACTION_DOWN -> {
        getParent().requestDisallowInterceptTouchEvent(true);
        drawn.clear();
        add(event);
      }
      case MotionEvent.ACTION_MOVE -> add(event);
      case MotionEvent.ACTION_UP -> {
        add(event);
        lift();
      }
      case MotionEvent.ACTION_CANCEL -> drawn.clear();
      default -> {
        return false;
      }
    }
    invalidate();
    return true;
  }

  private void add(MotionEvent event) {
    for (int i = 0; i < event.getHistorySize(); i++) {
      drawn.add(event.getHistoricalX(i));
      drawn.add(event.getHistoricalY(i));
    }
    drawn.add(event.getX());
    drawn.add(event.getY());
  }

  private void lift() {
    RectF extent = new RectF();
    pathOf(drawn).computeBounds(extent, true);
    boolean tap = extent.width() < LEAST_EXTENT || extent.height() < LEAST_EXTENT;
    if (tap || drawn.size() < 2 * FEWEST_CORNERS) {
      drawn.clear();
      performClick();
      return;
    }
    double[] part = inPicture();
    drawn.clear();
    listener.onOutline(part);
  }

  @Override
  public boolean performClick() {
    super.performClick();
    listener.onOutline(null);
    return true;
  }

  /** The drawn line in the picture's pixels, kept inside of it. */
  private double[] inPicture() {
    Matrix toPicture = new Matrix();
    toScreen.invert(toPicture);
    double[] part = new double[drawn.size()];
    for (int i = 0; i < part.length; i += 2) {
      float[] point = {drawn.get(i), drawn.get(i + 1)};
      toPicture.mapPoints(point);
      part[i] = Math.max(0, Math.min(bitmap.getWidth(), point[0]));
      part[i + 1] = Math.max(0, Math.min(bitmap.getHeight(), point[1]));
    }
    return part;
  }
}

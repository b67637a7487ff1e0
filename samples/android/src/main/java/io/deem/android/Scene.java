package io.deem.android;

import android.graphics.Bitmap;
import io.deem.Image;
import io.deem.Region;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What there is to see. Immutable; made and shown on the main thread.
 *
 * @param picture null before there is one
 * @param bitmap the picture as Android shows it
 * @param outline corners of the part of the picture that is asked about, x and y in its pixels in
 *     turn; null for all of it
 * @param caption what the model says of it, as far as it has come
 * @param answers a question and its answer each, the latest last
 * @param status what is going on, or went wrong; empty if nothing
 * @param busy whether the model is at work
 */
record Scene(
    Image picture,
    Bitmap bitmap,
    double[] outline,
    String caption,
    List<String> answers,
    String status,
    boolean busy) {

  static final Scene EMPTY = new Scene(null, null, null, "", Collections.emptyList(), "", false);

  /** The picture, or the part of it. */
  Image subject() {
    return outline == null ? picture : picture.region(Region.polygon(outline));
  }

  Scene working(String what) {
    return new Scene(picture, bitmap, outline, caption, answers, what, true);
  }

  Scene done(String how) {
    return new Scene(picture, bitmap, outline, caption, answers, how, false);
  }

  Scene showing(Image other, Bitmap shown) {
    return new Scene(other, shown, null, "", Collections.emptyList(), status, busy);
  }

  Scene about(double[] part) {
    return new Scene(picture, bitmap, part, "", answers, status, busy);
  }

  Scene saying(String more) {
    return new Scene(picture, bitmap, outline, caption + more, answers, status, busy);
  }

  Scene asking(String question) {
    List<String> all = new ArrayList<>(answers);
    all.add(question + "\n");
    return new Scene(picture, bitmap, outline, caption, all, status, busy);
  }

  Scene answering(String more) {
    List<String> all = new ArrayList<>(answers);
    int last = all.size() - 1;
    all.set(last, all.get(last) + more);
    return new Scene(picture, bitmap, outline, caption, all, status, busy);
  }
}

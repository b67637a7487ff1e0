package io.deem.android;

import android.app.Activity;
import android.content.Intent;
import android.content.res.Configuration;
import android.net.Uri;
import android.os.Bundle;
import android.text.InputType;
import android.view.View;
import android.view.ViewGroup;
import android.view.inputmethod.EditorInfo;
import android.widget.Button;
import android.widget.EditText;
import android.widget.LinearLayout;
import android.widget.ScrollView;
import android.widget.TextView;

/** One screen: a picture, what the model says of it, and questions about it. */
public final class EyesActivity extends Activity implements Eyes.Watcher {

  private static final int PICK = 1;
  private static final int PADDING = 24;
  private static final float CAPTION_SIZE = 20;
  private static final float ANSWER_SIZE = 16;
  private static final float STATUS_SIZE = 14;

  private Eyes eyes;
  private PictureView picture;
  private TextView caption;
  private TextView answers;
  private TextView status;
  private EditText question;
  private Button ask;
  private Button stop;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    eyes = ((EyesApplication) getApplication()).eyes();
    setTitle("DEEM");
    setContentView(build());
    if (saved == null) {
      shared(getIntent());
    }
  }

  @Override
  protected void onNewIntent(Intent intent) {
    super.onNewIntent(intent);
    shared(intent);
  }

  @Override
  protected void onStart() {
    super.onStart();
    eyes.watch(this);
  }

  @Override
  protected void onStop() {
    eyes.unwatch(this);
    super.onStop();
  }

  // ---------------------------------------------------------------- pictures

  /** What replaces the deprecated method came with Android 13. */
  @SuppressWarnings("deprecation")
  private void shared(Intent intent) {
    if (Intent.ACTION_SEND.equals(intent.getAction())) {
      open(intent.getParcelableExtra(Intent.EXTRA_STREAM));
    }
  }

  private void pick() {
    startActivityForResult(
        new Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("image/*"),
        PICK);
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    super.onActivityResult(request, result, data);
    if (request == PICK && result == RESULT_OK && data != null) {
      open(data.getData());
    }
  }

  private void open(Uri uri) {
    if (uri != null) {
      // Of the application: the activity may be gone before the picture is read.
      eyes.show(() -> getApplication().getContentResolver().openInputStream(uri));
    }
  }

  private void askIt() {
    eyes.ask(question.getText().toString());
    question.setText("");
  }

  @Override
  public void onScene(Scene scene) {
    picture.show(scene.bitmap(), scene.outline());
    picture.setContentDescription("Picture: " + scene.caption());
    caption.setText(scene.caption());
    answers.setText(String.join("\n", scene.answers()));
    status.setText(scene.status());
    ask.setEnabled(scene.picture() != null);
    stop.setEnabled(scene.busy());
  }

  // ---------------------------------------------------------------- views

  private View build() {
    picture = new PictureView(this);
    picture.setOutlineListener(eyes::look);
    caption = text(CAPTION_SIZE);
    caption.setAccessibilityLiveRegion(View.ACCESSIBILITY_LIVE_REGION_POLITE);
    answers = text(ANSWER_SIZE);
    status = text(STATUS_SIZE);
    question = new EditText(this);
    question.setHint("Is there a dog in the image?");
    question.setContentDescription("Question");
    question.setInputType(InputType.TYPE_CLASS_TEXT | InputType.TYPE_TEXT_FLAG_CAP_SENTENCES);
    question.setImeOptions(EditorInfo.IME_ACTION_SEND);
    question.setOnEditorActionListener(
        (view, action, event) -> {
          askIt();
          return true;
        });
    ask = button("Ask", this::askIt);
    stop = button("Stop", eyes::stop);
    LinearLayout buttons = new LinearLayout(this);
    buttons.addView(button("Picture", this::pick), share());
    buttons.addView(button("Whole", () -> eyes.look(null)), share());
    buttons.addView(stop, share());
    LinearLayout asking = new LinearLayout(this);
    asking.addView(question, share());
    asking.addView(ask);
    LinearLayout said = new LinearLayout(this);
    said.setOrientation(LinearLayout.VERTICAL);
    said.addView(caption);
    said.addView(answers);
    said.addView(status);
    ScrollView scrolled = new ScrollView(this);
    scrolled.addView(said);
    LinearLayout words = new LinearLayout(this);
    words.setOrientation(LinearLayout.VERTICAL);
    words.addView(scrolled, filling(LinearLayout.VERTICAL));
    words.addView(asking);
    words.addView(buttons);
    boolean wide =
        getResources().getConfiguration().orientation == Configuration.ORIENTATION_LANDSCAPE;
    int direction = wide ? LinearLayout.HORIZONTAL : LinearLayout.VERTICAL;
    LinearLayout screen = new LinearLayout(this);
    screen.setOrientation(direction);
    screen.setPadding(PADDING, PADDING, PADDING, PADDING);
    screen.addView(picture, filling(direction));
    screen.addView(words, filling(direction));
    return screen;
  }

  private TextView text(float size) {
    TextView view = new TextView(this);
    view.setTextSize(size);
    view.setPadding(PADDING, PADDING / 2, PADDING, PADDING / 2);
    return view;
  }

  private Button button(String label, Runnable action) {
    Button button = new Button(this);
    button.setText(label);
    button.setOnClickListener(view -> action.run());
    return button;
  }

  private static LinearLayout.LayoutParams share() {
    return new LinearLayout.LayoutParams(0, ViewGroup.LayoutParams.WRAP_CONTENT, 1);
  }

  private static LinearLayout.LayoutParams filling(int direction) {
    int match = ViewGroup.LayoutParams.MATCH_PARENT;
    return direction == LinearLayout.VERTICAL
        ? new LinearLayout.LayoutParams(match, 0, 1)
        : new LinearLayout.LayoutParams(0, match, 1);
  }
}

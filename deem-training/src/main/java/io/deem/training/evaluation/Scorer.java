package io.deem.training.evaluation;

/** How right a written answer is. */
public enum Scorer {
  /** Equal to the right answer, after {@link AnswerText#extract}. */
  EXTRACTED {
    @Override
    double score(String written, Item item) {
      return AnswerText.same(AnswerText.extract(written), item.answer()) ? 1 : 0;
    }
  },
  /** By {@link YesNoScores#saysYes}, as POPE's own script reads answers. */
  POPE {
    @Override
    double score(String written, Item item) {
      return YesNoScores.saysYes(written) == !item.answer().equals("no") ? 1 : 0;
    }
  },
  /** {@link VqaAccuracy#vqa} of the extracted answer. */
  VQA {
    @Override
    double score(String written, Item item) {
      return VqaAccuracy.vqa(AnswerText.extract(written), item.answers());
    }
  },
  /** {@link VqaAccuracy#vizWiz} of the extracted answer. */
  VIZWIZ {
    @Override
    double score(String written, Item item) {
      return VqaAccuracy.vizWiz(AnswerText.extract(written), item.answers());
    }
  };

  abstract double score(String written, Item item);
}

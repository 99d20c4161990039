import java.io.FileInputStream;
import java.io.InputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Whether files are PDF/A-3b, as veraPDF judges; names each that is not, and the rule that it breaks. */
public final class Check {
    public static void main(String[] names) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        VeraPDFFoundry foundry = Foundries.defaultInstance();
        int wrong = 0;
        for (String name : names) {
            try (InputStream file = new FileInputStream(name);
                    PDFAParser parser = foundry.createParser(file, PDFAFlavour.PDFA_3_B);
                    PDFAValidator validator = foundry.createValidator(PDFAFlavour.PDFA_3_B, false)) {
                ValidationResult result = validator.validate(parser);
                if (!result.isCompliant()) {
                    wrong++;
                    System.out.println(name);
                    for (TestAssertion one : result.getTestAssertions()) {
                        System.out.println("  " + one.getRuleId().getClause() + ": " + one.getMessage());
                    }
                }
            }
        }
        System.out.println(names.length + " files, " + wrong + " are not PDF/A-3b");
        System.exit(wrong == 0 ? 0 : 1);
    }
}

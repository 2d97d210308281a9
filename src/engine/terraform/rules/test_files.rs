//! What a module's tests may not do: call modules from elsewhere, bring providers of their own, read files outside.
use super::Look;
use super::refused::stays_inside;
use crate::engine::terraform::refs::Refs;
use crate::engine::terraform::{functions, intake, local, plan};
use hcl_edit::Span as _;
use hcl_edit::structure::Block;

pub fn refused(look: &mut Look<'_>) {
    for (n, source) in look.terraform.sources.iter().enumerate().filter(|(_, s)| intake::is_test(&s.path)) {
        let span = |block: &Block| block.ident.span().unwrap_or_default();
        for block in source.body.blocks() {
            match block.ident.as_str() {
                "provider" => {
                    let problem = look.at(n, &span(block), "A provider of the tests' own would ask a cloud, which is refused.");
                    look.found(problem.fix("Mock it: `mock_provider \"aws\" {}`."));
                }
                "mock_provider" if block.body.get_attribute("source").is_some() => {
                    let problem = look.at(n, &span(block), "Mocks of another folder are refused: they are not read here.");
                    look.found(problem.fix("Write its `mock_resource` blocks into this file."));
                }
                "run" => {
                    let modules = block.body.blocks().filter(|b| b.ident.as_str() == "module");
                    for from in modules.filter_map(|m| m.body.get_attribute("source")) {
                        // Paths of a test begin where terraform runs, not where the file lies.
                        let dir = plan::folder(look.terraform);
                        if from.value.as_str().is_none_or(|s| local(dir, s).is_none()) {
                            let problem = look.at(n, &from.value.span().unwrap_or_default(), "Only modules of the hand-in may be run by a test.");
                            look.found(problem.fix("Copy the module into a folder of the hand-in: `source = \"./modules/name\"`."));
                        }
                    }
                }
                _ => {}
            }
        }
        let mut refs = Refs::default();
        refs.body(&source.body, &mut Vec::new(), &|_| false);
        for call in refs.calls.iter().filter(|c| functions::READS_FILES.contains(&c.name.as_str())) {
            let Some(first) = &call.first else { continue };
            if !stays_inside(source.slice(first)) {
                let problem = look.at(n, first, format!("`{}` may read outside of the module.", call.name));
                look.found(problem.fix("Name a file of the module: `\"${path.module}/name\"`."));
            }
        }
    }
}
